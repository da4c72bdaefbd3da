"""A server's process on a host in a namespace: started, waited for, killed or stopped, ended by its own pid."""

import subprocess
import time

from harness import PATIENCE, wait_until


class ServerProcess:
    """Base of Corosync (ring.py) and of the XMPP servers (xmpp_net.py).

    Who derives has `host`, something with popen(), and says by methods:
    command()    the words that start it; it stays in the foreground
    prepare()    what comes before that, a configuration for example
    is_ready()   whether it answers; asked again and again while it runs
    explain()    what it said, for the words of an error
    __str__()    what it is called in them
    """

    patience = PATIENCE  # seconds until it is ready, and until it has stopped
    wrapper = ()  # goes before the command

    def __init__(self, host, log_file, output_file=None):
        """`log_file` is the one to read; `output_file` takes what it prints where that is another file."""
        self.host, self.log_file, self.output_file = host, log_file, output_file or log_file
        self.process = None

    def prepare(self):
        pass

    def popen_options(self):
        """More for the host's popen()."""
        return {}

    def explain(self):
        return self.log()

    def launch(self):
        """Starts it and does not wait for anything."""
        assert not self.running(), f"{self} runs already"
        self.prepare()
        with open(self.output_file, "ab") as log:
            self.process = self.host.popen(*self.wrapper, *self.command(), stdout=log, stderr=subprocess.STDOUT,
                                           **self.popen_options())

    def start(self):
        """Starts it, and waits until it is ready."""
        begin = time.monotonic()
        self.launch()
        wait_until(self.ready, f"{self} is ready", self.patience)
        self.start_seconds = time.monotonic() - begin
        return self

    def ready(self):
        """What is_ready() says; fails when it has ended."""
        assert self.running(), f"{self} ended:\n{self.explain()}"
        return self.is_ready()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM, as a service's stop."""
        self.process.terminate()
        return self.process.wait(self.patience)

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def restart(self):
        self.stop()
        return self.start()

    def end_everything(self):
        if self.running():
            self.kill()

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
