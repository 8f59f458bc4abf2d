package account

import (
	"slices"

	"github.com/mcpoauth/mcpoauth/store"
)

// makers are who keeps a passkey, by its AAGUID as hexadecimal digits. Who made a passkey
// may say what they like here: it names a passkey until its person does, and no more.
var makers = map[string]string{
	"fbfc3007154e4ecc8c0b6e020557d7bd": "Apple Passwords",
	"dd4ec289e01d41c9bb8970fa845d4bf2": "iCloud Keychain",
	"ea9b8d664d011d213ce4b6b48cb575d4": "Google Password Manager",
	"adce000235bcc60a648b0b25f1f05503": "Chrome on Mac",
	"08987058cadc4b81b6e130de50dcbe96": "Windows Hello",
	"9ddd1817af5a4672a2b93e3dd95000a9": "Windows Hello",
	"6028b017b1d44c02b4b3afcdafc96bb2": "Windows Hello",
	"bada5566a7aa401fbd9645619a55120d": "1Password",
	"d548826e79b4db40a3d811116f7e8349": "Bitwarden",
	"531126d6e717415c93203d9aa6981239": "Dashlane",
	"50726f746f6e5061737350726f746f6e": "Proton Pass",
	"53414d53554e47000000000000000000": "Samsung Pass",
	"fdb141b25d84443e8a354698c205a502": "KeePassXC",
}

// kind says where a passkey lives.
func kind(p store.Passkey) string {
	switch {
	case p.BackedUp:
		return "Synced between devices"
	case p.BackupEligible:
		return "Can be synced between devices, but is on one so far"
	case len(p.Transports) > 0 && !slices.Contains(p.Transports, "internal"):
		return "On a security key or another device, and nowhere else"
	}
	return "On one device, and nowhere else"
}
