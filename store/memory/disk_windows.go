package memory

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

const asItIs = 0

// syncDir does nothing: Windows cannot, and NTFS keeps renames in order.
func syncDir(string) error { return nil }

// openLocked opens a file so that nobody else can open it for writing.
func openLocked(path string) (*os.File, error) {
	const errorSharingViolation syscall.Errno = 32

	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, syscall.FILE_SHARE_READ,
		nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errorSharingViolation) {
		return nil, errHeld
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

// distrust finds nothing: who may write a file is in its access list, which is
// inherited from its directory.
func distrust(string, fs.FileInfo) error { return nil }
