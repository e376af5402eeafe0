"""The thread that loads run in, beside the reactor's."""

from functools import partial
from threading import Thread

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from trualias.server.reload import InThread


class _Unawaited(ThreadPool):
    """One thread, which does not keep the process from ending: not even a hook that never returns."""

    def __init__(self) -> None:
        super().__init__(minthreads=0, maxthreads=1, name="loads")
        self.threadFactory = partial(Thread, daemon=True)  # type: ignore[assignment]


def in_thread_of_its_own(reactor: IReactorFromThreads) -> InThread:
    """Give what runs a function in that thread; the reactor's is told the result."""
    pool = _Unawaited()
    pool.start()
    return lambda function: deferToThreadPool(reactor, pool, function)
