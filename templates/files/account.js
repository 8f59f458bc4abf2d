"use strict";

(() => {
	// A form with data-digest is sent once a passkey has answered for it.
	function touchFirst(form) {
		const button = document.getElementById("touch");
		const status = document.getElementById("status");
		const label = button.textContent;
		let prompt = null; // aborts the open passkey prompt
		let token = ""; // lets a new passkey be made

		function setBusy(busy) {
			button.disabled = busy || mcpoauth.unsupported() !== "";
			form.setAttribute("aria-busy", String(busy));
		}

		// The page as it was before anybody pressed anything.
		function reset() {
			form.elements.ceremony.value = token = "";
			button.textContent = label;
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

		// Two presses, since Safari opens one prompt for each.
		async function addPasskey() {
			if (token === "") {
				const ceremony = await askPasskey();
				token = (await mcpoauth.post(form.getAttribute("action"), { ceremony })).token;
				button.textContent = "Create the new passkey";
				mcpoauth.say(status, "done", "That was you. Now create the new passkey.");
				return;
			}
			mcpoauth.say(status, "busy", "One moment…");
			const { ceremony, options } = await mcpoauth.post("/passkey/register/start", { token });
			mcpoauth.say(status, "busy", "Waiting for the new passkey. Follow the prompt of your browser or device.");
			const credential = await mcpoauth.create(options);
			mcpoauth.say(status, "busy", "Checking…");
			await mcpoauth.post("/passkey/register/finish", { ceremony, credential });
			location.assign("/account/passkeys?added");
		}

		async function send() {
			form.elements.ceremony.value = await askPasskey();
			mcpoauth.say(status, "busy", "One moment…");
			form.submit();
		}

		form.addEventListener("submit", async (event) => {
			event.preventDefault();
			setBusy(true);
			try {
				await ("adds" in form.dataset ? addPasskey() : send());
			} catch (error) {
				mcpoauth.say(status, "error", mcpoauth.explain(error));
				if (error.code === "invalid_link") reset();
			}
			setBusy(form.elements.ceremony.value !== "");
			if (!button.disabled) button.focus();
		});

		window.addEventListener("pagehide", () => prompt && prompt.abort());

		// The back button may bring the page back as it was left: busy, with a spent ceremony.
		window.addEventListener("pageshow", (event) => event.persisted && reset());
		reset();
	}

	for (const button of document.querySelectorAll("[data-copy]")) {
		button.addEventListener("click", async () => {
			const copied = document.getElementById("copied");
			try {
				await navigator.clipboard.writeText(button.dataset.copy);
				mcpoauth.say(copied, "done", "Copied.");
			} catch {
				mcpoauth.say(copied, "error", "The browser did not allow copying. Select the text and copy it.");
			}
		});
	}

	const form = document.querySelector("form[data-digest]");
	if (form) touchFirst(form);
})();
