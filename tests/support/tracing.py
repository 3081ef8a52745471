"""A child process stopped at each of its steps on disk, to be killed, failed or cut short there.

Linux's ptrace shows every system call, whoever makes it: Python, SQLite, FAISS. A step is a
call that writes, syncs, makes, renames or removes something under one folder, or sends a
message to a server; and whatever the child notes on ``NOTES_FD``, as it does for each SQL
statement.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NOTES_FD = 100
"""The descriptor on which a child says what it is about to do."""

_TRACEME, _CONT, _SYSCALL = 0, 7, 24
_SETOPTIONS, _GETREGSET, _SETREGSET, _GET_SYSCALL_INFO = 0x4200, 0x4204, 0x4205, 0x420E
_SYSGOOD_AND_EXITKILL = 0x1 | 0x100000
_SYSCALL_STOP = signal.SIGTRAP | 0x80
_NT_PRSTATUS, _NT_ARM_SYSCALL = 1, 0x404
_ENTRY = 1
_O_CREAT = 0o100
_AT_FDCWD = -100


@dataclass(frozen=True, slots=True)
class _Call:
    """How a system call names what it works on: a descriptor, or a path beside one."""

    kind: str
    descriptor: int | None = None
    path: int | None = None
    flags: int | None = None


_ON_FD = {kind: _Call(kind, 0) for kind in ("write", "sync", "truncate", "mode", "message")}
_UNLINKAT, _MKDIRAT = _Call("remove", 0, 1), _Call("make folder", 0, 1)
_RENAMEAT, _LINKAT = _Call("rename", 0, 1), _Call("link", 0, 1)
_OPENAT, _CHMODAT = _Call("create", 0, 1, 2), _Call("mode", 0, 1)
_CALLS = {
    "x86_64": {
        **dict.fromkeys((1, 18, 20, 296), _ON_FD["write"]),
        **dict.fromkeys((40, 326), _ON_FD["write"]),
        **dict.fromkeys((74, 75), _ON_FD["sync"]),
        **dict.fromkeys((77, 285), _ON_FD["truncate"]),
        91: _ON_FD["mode"],
        **dict.fromkeys((44, 46), _ON_FD["message"]),
        2: _Call("create", None, 0, 1),
        76: _Call("truncate", None, 0),
        82: _Call("rename", None, 0),
        83: _Call("make folder", None, 0),
        **dict.fromkeys((84, 87), _Call("remove", None, 0)),
        86: _Call("link", None, 0),
        90: _Call("mode", None, 0),
        257: _OPENAT,
        258: _MKDIRAT,
        263: _UNLINKAT,
        **dict.fromkeys((264, 316), _RENAMEAT),
        265: _LINKAT,
        **dict.fromkeys((268, 452), _CHMODAT),
    },
    "aarch64": {
        **dict.fromkeys((64, 66, 68, 70), _ON_FD["write"]),
        **dict.fromkeys((71, 285), _ON_FD["write"]),
        **dict.fromkeys((82, 83), _ON_FD["sync"]),
        **dict.fromkeys((46, 47), _ON_FD["truncate"]),
        52: _ON_FD["mode"],
        **dict.fromkeys((206, 211), _ON_FD["message"]),
        45: _Call("truncate", None, 0),
        34: _MKDIRAT,
        35: _UNLINKAT,
        37: _LINKAT,
        **dict.fromkeys((38, 276), _RENAMEAT),
        **dict.fromkeys((53, 452), _CHMODAT),
        56: _OPENAT,
    },
}
"""System calls by number; sendfile, which writes to its first descriptor, counts as a write."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


@dataclass(frozen=True, slots=True)
class Step:
    """What a child is about to do: the kind, and to which file under the folder."""

    kind: str
    file: str


class Child:
    """A forked process that does some work and stops before each of its steps.

    Fork only where no other thread runs: what else it holds would be held for ever.
    """

    def __init__(self, work: Callable[[], None], folder: Path) -> None:
        assert len(list(Path("/proc/self/task").iterdir())) == 1, (
            "a process with threads must not fork"
        )
        self._calls = _CALLS[platform.machine()]
        self._folder = folder
        self._stopped_at: tuple[int, tuple[int, ...]] | None = None
        self.pid = os.fork()
        if not self.pid:
            _be_traced(work)
        os.waitpid(self.pid, 0)
        _ptrace(_SETOPTIONS, self.pid, 0, _SYSGOOD_AND_EXITKILL)
        self._memory = os.open(f"/proc/{self.pid}/mem", os.O_RDONLY)
        self.status: int | None = None

    def steps(self) -> Iterator[Step]:
        """Run on to each step in turn; while one is yielded, the child stands before it."""
        while (call := self._next_entry()) is not None:
            number, arguments = self._stopped_at = call
            step = self._step(number, arguments)
            if step:
                yield step
        os.close(self._memory)

    def kill(self) -> None:
        """End the child where it stands, as ``kill -9`` does."""
        os.kill(self.pid, signal.SIGKILL)

    def fail(self, number: int) -> None:
        """Let the call fail with an error number; it does nothing."""
        registers = self._registers()
        if platform.machine() == "x86_64":
            registers[15] = 2**64 - 1
            self._set_registers(registers)
        else:
            self._set(_NT_ARM_SYSCALL, ctypes.c_int(-1))
        self._run_to_stop()
        registers = self._registers()
        registers[10 if platform.machine() == "x86_64" else 0] = 2**64 - number
        self._set_registers(registers)

    def halve(self) -> None:
        """Let a write write half of what it was to, and kill the child then."""
        registers = self._registers()
        length = 12 if platform.machine() == "x86_64" else 2
        registers[length] //= 2
        self._set_registers(registers)
        self._run_to_stop()
        self.kill()

    def opened(self) -> Path:
        """Return a path to the file of the descriptor that the call works on."""
        assert self._stopped_at is not None
        return Path(f"/proc/{self.pid}/fd/{self._stopped_at[1][0]}")

    def _next_entry(self) -> tuple[int, tuple[int, ...]] | None:
        """Run on until a system call begins; None where the child has ended."""
        while self._run_to_stop():
            info = ctypes.create_string_buffer(88)
            _ptrace(_GET_SYSCALL_INFO, self.pid, len(info), ctypes.addressof(info))
            if info.raw[0] == _ENTRY:
                number, *arguments = struct.unpack_from("Q6Q", info.raw, 24)
                return number, tuple(arguments)
        return None

    def _run_to_stop(self) -> bool:
        """Run on to the next beginning or end of a system call; False where the child ended."""
        passed_on = 0
        while True:
            with suppress(ProcessLookupError):  # killed; what is left is to wait for it
                _ptrace(_SYSCALL, self.pid, 0, passed_on)
            _, status = os.waitpid(self.pid, 0)
            if not os.WIFSTOPPED(status):
                self.status = status
                return False
            if os.WSTOPSIG(status) == _SYSCALL_STOP:
                return True
            passed_on = os.WSTOPSIG(status)

    def _step(self, number: int, arguments: tuple[int, ...]) -> Step | None:
        call = self._calls.get(number)
        if call is None:
            return None
        if call.kind == "write" and arguments[0] == NOTES_FD:
            return Step("sql", os.pread(self._memory, arguments[2], arguments[1]).decode())
        if call.kind == "message":
            return Step("message", "")
        if call.flags is not None and not arguments[call.flags] & _O_CREAT:
            return None
        path = self._path(call, arguments)
        within = path.removeprefix(str(self._folder))
        return Step(call.kind, within[1:]) if within != path and within[:1] in ("", "/") else None

    def _path(self, call: _Call, arguments: tuple[int, ...]) -> str:
        named = self._text(arguments[call.path]) if call.path is not None else ""
        if call.descriptor is None or named.startswith("/"):
            return named
        descriptor = ctypes.c_int(arguments[call.descriptor]).value
        if descriptor == _AT_FDCWD:
            return named
        try:
            opened = Path(f"/proc/{self.pid}/fd/{descriptor}").readlink()
        except OSError:
            return ""
        return f"{opened}/{named}" if named else str(opened)

    def _text(self, address: int) -> str:
        return os.pread(self._memory, 4096, address).split(b"\0")[0].decode()

    def _registers(self) -> list[int]:
        buffer = ctypes.create_string_buffer(8 * 40)
        size = self._get(_NT_PRSTATUS, buffer)
        return list(struct.unpack_from(f"{size // 8}Q", buffer.raw))

    def _set_registers(self, registers: list[int]) -> None:
        packed = struct.pack(f"{len(registers)}Q", *registers)
        self._set(_NT_PRSTATUS, ctypes.create_string_buffer(packed, len(packed)))

    def _get(self, which: int, buffer: ctypes.Array[ctypes.c_char]) -> int:
        vector = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), ctypes.sizeof(buffer))
        _ptrace(_GETREGSET, self.pid, which, ctypes.addressof(vector))
        return int(vector[1])

    def _set(self, which: int, value: ctypes.Array[ctypes.c_char] | ctypes.c_int) -> None:
        vector = (ctypes.c_size_t * 2)(ctypes.addressof(value), ctypes.sizeof(value))
        _ptrace(_SETREGSET, self.pid, which, ctypes.addressof(vector))


def _be_traced(work: Callable[[], None]) -> None:
    try:
        _ptrace(_TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        work()
        os._exit(0)
    finally:
        os._exit(1)


def _ptrace(request: int, pid: int, address: int, data: int) -> None:
    if _libc.ptrace(request, pid, address, data) == -1 and (number := ctypes.get_errno()):
        raise OSError(number, f"ptrace: {errno.errorcode[number]}")
