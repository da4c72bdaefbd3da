"""libcpg by ctypes: one handle in one group, for the scripted peers of system tests."""

import ctypes as c
import select
import time

OK, LIBRARY, TRY_AGAIN = 1, 2, 6
ONE_NONBLOCKING = 4
FIFO = 1
MODEL_V1 = 1
INITIAL_TOTEM = 1  # the TOTEM callback comes also for the ring that is there at the join
REASONS = {1: "JOIN", 2: "LEAVE", 3: "NODEDOWN", 4: "NODEUP", 5: "PROCDOWN"}


class Name(c.Structure):
    _fields_ = [("length", c.c_uint32), ("value", c.c_char * 128)]


class Address(c.Structure):
    _fields_ = [("nodeid", c.c_uint32), ("pid", c.c_uint32), ("reason", c.c_uint32)]


class RingId(c.Structure):
    _fields_ = [("nodeid", c.c_uint32), ("seq", c.c_uint64)]


class Part(c.Structure):
    _fields_ = [("base", c.c_char_p), ("length", c.c_size_t)]


Deliver = c.CFUNCTYPE(None, c.c_uint64, c.POINTER(Name), c.c_uint32, c.c_uint32, c.c_void_p, c.c_size_t)
Configure = c.CFUNCTYPE(None, c.c_uint64, c.POINTER(Name), c.POINTER(Address), c.c_size_t, c.POINTER(Address),
                        c.c_size_t, c.POINTER(Address), c.c_size_t)
Totem = c.CFUNCTYPE(None, c.c_uint64, RingId, c.c_uint32, c.POINTER(c.c_uint32))


class Model(c.Structure):
    _fields_ = [("model", c.c_int), ("deliver", Deliver), ("configure", Configure), ("totem", Totem),
                ("flags", c.c_uint)]


cpg = c.CDLL("libcpg.so.4")
for function in ("cpg_finalize", "cpg_dispatch", "cpg_fd_get", "cpg_join", "cpg_leave", "cpg_mcast_joined",
                 "cpg_local_get"):
    getattr(cpg, function).argtypes = None
    getattr(cpg, function).restype = c.c_int


class Failure(Exception):
    def __init__(self, call, status):
        super().__init__(f"{call}: {status}")
        self.status = status


def call(function, *arguments):
    status = getattr(cpg, function)(*arguments)
    if status != OK:
        raise Failure(function, status)


class Group:
    """A member of one group. `owner` is told on_message(node, pid, bytes), on_members(members, left, joined), each a
    list of (node, pid, reason), and on_ring((node, seq), nodes): from within dispatch()."""

    def __init__(self, name, owner):
        self.owner, self.error = owner, None
        self.model = Model(MODEL_V1, Deliver(self.deliver), Configure(self.configure), Totem(self.totem),
                           INITIAL_TOTEM)
        self.name = Name(len(name), name)
        self.handle = c.c_uint64()
        call("cpg_model_initialize", c.byref(self.handle), MODEL_V1, c.byref(self.model), None)
        fd, node = c.c_int(), c.c_uint32()
        try:
            call("cpg_fd_get", self.handle, c.byref(fd))
            call("cpg_local_get", self.handle, c.byref(node))
            self.join()
        except Failure:
            self.finalize()
            raise
        self.fd, self.node = fd.value, node.value

    def join(self):
        deadline = time.monotonic() + 10
        while (status := cpg.cpg_join(self.handle, c.byref(self.name))) == TRY_AGAIN and time.monotonic() < deadline:
            select.select([], [], [], 0.01)
        if status != OK:
            raise Failure("cpg_join", status)

    def send(self, data):
        """One try; answers with Corosync's status."""
        part = Part(data, len(data))
        return cpg.cpg_mcast_joined(self.handle, FIFO, c.byref(part), 1)

    def dispatch(self, at_most=500):
        """Hands on what waits, up to `at_most` callbacks."""
        for _ in range(at_most):
            status = cpg.cpg_dispatch(self.handle, ONE_NONBLOCKING)
            if self.error:
                raise self.error
            if status == TRY_AGAIN:
                return
            if status != OK:
                raise Failure("cpg_dispatch", status)

    def leave(self):
        call("cpg_leave", self.handle, c.byref(self.name))

    def finalize(self):
        cpg.cpg_finalize(self.handle)

    def tell(self, method, *arguments):
        """No exception passes through libcpg; dispatch() raises it."""
        try:
            method(*arguments)
        except Exception as error:
            self.error = error

    def deliver(self, _handle, _group, node, pid, message, length):
        self.tell(self.owner.on_message, node, pid, c.string_at(message, length))

    def configure(self, _handle, _group, members, m, left, n, joined, k):
        self.tell(self.owner.on_members, *(
            [(entry.nodeid, entry.pid, REASONS.get(entry.reason, entry.reason)) for entry in entries[:count]]
            for entries, count in ((members, m), (left, n), (joined, k))))

    def totem(self, _handle, ring, count, nodes):
        self.tell(self.owner.on_ring, (ring.nodeid, ring.seq), nodes[:count])
