"""A second wall: system calls that no answer needs, refused by the kernel.

Namespaces hide the machine; this filter closes what would still let two submissions in one jail
meet (shared memory and keys that outlive a process), memory that is not counted, and what is known
for bugs of the kernel.
The numbers of the calls are those of Linux's tables for the two processors that jax is built for
(`arch/x86/entry/syscalls/syscall_64.tbl`, `include/uapi/asm-generic/unistd.h`).
"""

import platform
import struct

INSTRUCTION = struct.Struct(
    "<HBBI"
)  # struct sock_filter: code, jump if true, if false, k
LOAD = 0x20
JUMP_EQUAL = 0x15
JUMP_AT_LEAST = 0x35
RETURN = 0x06
ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | 1  # with EPERM
KILL = 0x80000000
NUMBER_AT = 0  # in struct seccomp_data
ARCHITECTURE_AT = 4
X32 = 0x40000000  # the same calls once more, for programs with short pointers

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CALLS = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "ioprio_set": (251, 30),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "memfd_create": (319, 279),  # memory that no process has in its account
    "memfd_secret": (447, 447),
}


def program() -> bytes:
    """The filter for this machine's processor; empty where its calls are not known here."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        return b""
    column = list(ARCHITECTURES).index(machine)
    numbers = [row[column] for row in CALLS.values()]
    steps = [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (JUMP_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER_AT),
        (JUMP_AT_LEAST, len(numbers) + 1, 0, X32),
    ]
    for place, number in enumerate(numbers):
        steps.append((JUMP_EQUAL, len(numbers) - place, 0, number))
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    return b"".join(INSTRUCTION.pack(*step) for step in steps)
