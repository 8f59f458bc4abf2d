"use strict";

(() => {
	const form = document.getElementById("decision");
	const approve = document.getElementById("approve");
	const deny = document.getElementById("deny");
	const status = document.getElementById("status");
	const app = form.dataset.app;
	let prompt = null; // aborts the open passkey prompt

	function setBusy(busy) {
		approve.disabled = busy || mcpoauth.unsupported() !== "";
		deny.disabled = busy;
		form.setAttribute("aria-busy", String(busy));
	}

	// The page as it was before anybody pressed anything.
	function reset() {
		form.elements.ceremony.value = "";
		setBusy(false);
		const reason = mcpoauth.unsupported();
		mcpoauth.say(status, reason ? "error" : "", reason);
	}

	async function askPasskey() {
		prompt = new AbortController();
		mcpoauth.say(status, "busy", "One moment…");
		const { ceremony, options } = await mcpoauth.post("/passkey/auth/start", { digest: form.dataset.digest });
		mcpoauth.say(status, "busy", "Waiting for your passkey. Follow the prompt of your browser or device.");
		const credential = await mcpoauth.get(options, prompt.signal);
		mcpoauth.say(status, "busy", "Checking…");
		await mcpoauth.post("/passkey/auth/finish", { ceremony, credential });
		return ceremony;
	}

	async function approveWithPasskey() {
		setBusy(true);
		try {
			form.elements.ceremony.value = await askPasskey();
		} catch (error) {
			setBusy(false);
			approve.textContent = "Try again with passkey";
			mcpoauth.say(status, "error", `${mcpoauth.explain(error)} Nothing was approved.`);
			approve.focus();
			return;
		}
		setBusy(false); // a disabled button does not submit
		form.requestSubmit(approve);
	}

	form.addEventListener("submit", (event) => {
		const approving = event.submitter === approve;
		if (approving && form.elements.ceremony.value === "") {
			event.preventDefault();
			approveWithPasskey();
			return;
		}
		mcpoauth.say(status, approving ? "done" : "busy", approving ? `Approved. Going back to ${app}…` : `Denied. Going back to ${app}…`);
		setTimeout(() => setBusy(true)); // not before the form has been read
	});

	window.addEventListener("pagehide", () => prompt && prompt.abort());

	// The back button may bring the page back as it was left: busy, with a spent ceremony.
	window.addEventListener("pageshow", (event) => event.persisted && reset());
	reset();
})();
