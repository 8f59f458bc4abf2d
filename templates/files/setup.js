"use strict";

(() => {
	const form = document.getElementById("setup");
	const token = document.getElementById("setup-token");
	const create = document.getElementById("create");
	const status = document.getElementById("status");

	// The link carries the token in its fragment, which no server and no log
	// sees. It leaves the address bar, and with it the history, at once.
	function takeTokenFromLink() {
		const fragment = new URLSearchParams(location.hash.slice(1));
		const given = fragment.get("setup_token") || fragment.get("token");
		if (!given) return;
		token.value = given;
		history.replaceState(null, "", location.pathname + location.search);
		create.focus();
	}

	function setBusy(busy) {
		create.disabled = busy || mcpoauth.unsupported() !== "";
		token.readOnly = busy;
		form.setAttribute("aria-busy", String(busy));
	}

	async function makePasskey() {
		mcpoauth.say(status, "busy", "One moment…");
		const { ceremony, options } = await mcpoauth.post("/passkey/register/start", { token: token.value.trim() });
		mcpoauth.say(status, "busy", "Waiting for your passkey. Follow the prompt of your browser or device.");
		const credential = await mcpoauth.create(options);
		mcpoauth.say(status, "busy", "Checking…");
		await mcpoauth.post("/passkey/register/finish", { ceremony, credential });
	}

	function showNextStep() {
		token.value = "";
		document.getElementById("todo").hidden = true;
		const done = document.getElementById("done");
		done.hidden = false;
		done.querySelector("h1").focus();
	}

	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		setBusy(true);
		try {
			await makePasskey();
		} catch (error) {
			setBusy(false);
			mcpoauth.say(status, "error", mcpoauth.explain(error));
			(error.code === "invalid_link" ? token : create).focus();
			return;
		}
		showNextStep();
	});

	for (const button of document.querySelectorAll("[data-copy]")) {
		button.addEventListener("click", async () => {
			const copied = document.getElementById("copied");
			try {
				await navigator.clipboard.writeText(button.dataset.copy);
				mcpoauth.say(copied, "done", "Copied.");
			} catch {
				mcpoauth.say(copied, "error", "The browser did not allow copying. Select the address and copy it.");
			}
		});
	}

	window.addEventListener("hashchange", takeTokenFromLink);
	const reason = mcpoauth.unsupported();
	mcpoauth.say(status, reason ? "error" : "", reason);
	setBusy(false);
	takeTokenFromLink();
})();
