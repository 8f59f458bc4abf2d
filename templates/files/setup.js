"use strict";

(() => {
	const form = document.getElementById("setup");
	const token = document.getElementById("setup-token");
	const create = document.getElementById("create");
	const status = document.getElementById("status");
	const label = create.textContent;
	let asked = null; // the start of another passkey than the page speaks of, which waits for a second press

	// The link carries the token in its fragment, which no server and no log
	// sees. It leaves the address bar, and with it the history, at once.
	function takeTokenFromLink() {
		const fragment = new URLSearchParams(location.hash.slice(1));
		const given = fragment.get("setup_token") || fragment.get("token");
		if (!given) return;
		window.removeEventListener("hashchange", takeTokenFromLink); // another site must not swap it
		token.value = given;
		history.replaceState(null, "", location.pathname + location.search);
		create.focus();
	}

	function setBusy(busy) {
		create.disabled = busy || mcpoauth.unsupported() !== "";
		token.readOnly = busy;
		form.setAttribute("aria-busy", String(busy));
	}

	// Whose the passkey will be, as the server says it. Of a link, anybody can say anything.
	function whose({ purpose, name, options }) {
		const app = options.publicKey.rp.name;
		if (purpose === "setup") return `This passkey will be for the owner of ${app}.`;
		if (purpose === "recovery") return `This passkey will be for ${name} at ${app}, in the place of every one that they had.`;
		return `This passkey will be for ${name} at ${app}.`;
	}

	// Returns whether a passkey was made, and not only asked about.
	async function makePasskey() {
		const given = token.value.trim();
		let start = asked && asked.token === given ? asked.start : null;
		forget();
		if (!start) {
			mcpoauth.say(status, "busy", "One moment…");
			start = await mcpoauth.post("/passkey/register/start", { token: given });
			if (start.purpose !== form.dataset.purpose) {
				asked = { token: given, start };
				create.textContent = "Create this passkey";
				mcpoauth.say(status, "error", `This token is not for what this page says. ${whose(start)} Go on only if that is what you want.`);
				return false;
			}
		}
		mcpoauth.say(status, "busy", `${whose(start)} Follow the prompt of your browser or device.`);
		const credential = await mcpoauth.create(start.options);
		mcpoauth.say(status, "busy", "Checking…");
		await mcpoauth.post("/passkey/register/finish", { ceremony: start.ceremony, credential });
		return true;
	}

	function forget() {
		asked = null;
		create.textContent = label;
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
		window.removeEventListener("hashchange", takeTokenFromLink);
		setBusy(true);
		let made = false;
		try {
			made = await makePasskey();
		} catch (error) {
			setBusy(false);
			mcpoauth.say(status, "error", mcpoauth.explain(error));
			const wrong = error.code === "invalid_link";
			if (wrong) window.addEventListener("hashchange", takeTokenFromLink); // for another link in this tab
			(wrong ? token : create).focus();
			return;
		}
		if (made) {
			showNextStep();
			return;
		}
		setBusy(false);
		create.focus();
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
