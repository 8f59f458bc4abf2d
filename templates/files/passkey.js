// What the pages with a passkey share. They are classic scripts that meet in one global.
"use strict";

const mcpoauth = (() => {
	// An answer of the server that says no.
	class Refusal extends Error {
		constructor(status, body, retryAfter) {
			super(body.error_description || "");
			this.status = status;
			this.code = body.error || "";
			this.retryAfter = retryAfter;
		}
	}

	async function post(path, body) {
		const response = await fetch(path, {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify(body),
			credentials: "same-origin",
			redirect: "error",
			signal: AbortSignal.timeout ? AbortSignal.timeout(20000) : undefined,
		});
		const answer = await response.json().catch(() => ({}));
		if (!response.ok) throw new Refusal(response.status, answer, response.headers.get("Retry-After"));
		return answer;
	}

	// The browser's own toJSON and parse…FromJSON are missing from Safari before
	// 18.4, and password managers that answer in its place get toJSON wrong.
	function encode(buffer) {
		if (!buffer) return undefined;
		const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
		return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
	}
	function decode(text) {
		const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
		return Uint8Array.from(binary, (char) => char.charCodeAt(0));
	}
	function credential(made, response) {
		return {
			id: made.id,
			rawId: encode(made.rawId),
			type: made.type,
			authenticatorAttachment: made.authenticatorAttachment || undefined,
			clientExtensionResults: {},
			response: { clientDataJSON: encode(made.response.clientDataJSON), ...response },
		};
	}

	async function create({ publicKey }) {
		const made = await navigator.credentials.create({
			publicKey: {
				...publicKey,
				challenge: decode(publicKey.challenge),
				user: { ...publicKey.user, id: decode(publicKey.user.id) },
				excludeCredentials: (publicKey.excludeCredentials || []).map((known) => ({ ...known, id: decode(known.id) })),
			},
		});
		return credential(made, {
			attestationObject: encode(made.response.attestationObject),
			transports: made.response.getTransports ? made.response.getTransports() : [],
		});
	}

	async function get({ publicKey }, signal) {
		const made = await navigator.credentials.get({
			publicKey: { ...publicKey, challenge: decode(publicKey.challenge) },
			signal,
		});
		return credential(made, {
			authenticatorData: encode(made.response.authenticatorData),
			signature: encode(made.response.signature),
			userHandle: encode(made.response.userHandle),
		});
	}

	// Why this browser cannot use passkeys here, or "".
	function unsupported() {
		if (!window.isSecureContext) return "Passkeys need a secure connection. Open this page at its https address.";
		if (!window.PublicKeyCredential || !navigator.credentials) {
			return "This browser does not support passkeys. Open this page in another browser, or update this one.";
		}
		return "";
	}

	const refusals = {
		authentication_failed: "The server did not accept this passkey. Use one that was made for this server.",
		invalid_session: "That took too long, or was answered in another window. Try again.",
		invalid_link: "This token is not right, was used already or has expired. Copy the whole of it, or get a new one from where this one came from.",
		no_passkeys: "This server has no passkey yet. Reload this page to set it up.",
		registration_failed: "The server did not accept the new passkey. Try again, or keep it on another device or in another password manager.",
		registration_locked: "This server has its owner already. Setting it up again is not possible here.",
	};
	const failures = {
		NotAllowedError: "Cancelled: the passkey prompt was closed or ran out of time. If it found no passkey, use the device or password manager that has it.",
		AbortError: "Cancelled: the passkey prompt was closed.",
		SecurityError: "This browser does not allow passkeys at this address. Open the page at the server’s own address, by its name.",
		ConstraintError: "This device cannot check that it is you. Set up a screen lock, fingerprint or PIN, or use another device.",
		NotSupportedError: "This device cannot use a passkey of the kind that is needed. Use another device or password manager.",
		InvalidStateError: "There is a passkey for this server on this device or in this password manager already. Choose another one.",
		TimeoutError: "The server took too long to answer. Try again.",
		TypeError: "The server could not be reached. Check the connection and try again.",
	};

	// An error in the words of the person who reads it.
	function explain(error) {
		if (!(error instanceof Refusal)) {
			return failures[error.name] || "Something went wrong with the passkey. Try again.";
		}
		if (refusals[error.code]) return refusals[error.code];
		if (error.status === 429) {
			return error.retryAfter ? `Too many attempts. Wait ${error.retryAfter} seconds and try again.` : "Too many attempts. Wait a minute and try again.";
		}
		if (error.status >= 500) return "The server cannot answer just now. Try again in a moment.";
		return error.message ? `The server refused: ${error.message}.` : "The server refused. Reload this page and try again.";
	}

	// Shows text in a live region: kind is "busy", "error", "done" or "".
	function say(region, kind, text) {
		region.dataset.kind = kind;
		region.textContent = text;
		if (text) region.scrollIntoView({ block: "nearest" });
	}

	return { post, create, get, unsupported, explain, say };
})();
