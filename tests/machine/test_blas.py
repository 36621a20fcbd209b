"""BLAS on one thread: within the context, also of several users at once, and as before
afterwards.
"""

import threading

import pytest
from threadpoolctl import ThreadpoolController

from spinrnn.machine.blas import one_thread


def counts():
    blas = ThreadpoolController().select(user_api="blas")
    return [library["num_threads"] for library in blas.info()]


def test_the_number_of_threads_is_given_back():
    before = counts()
    assert before, "NumPy has a BLAS"
    with one_thread():
        assert set(counts()) == {1}
        with one_thread():
            assert set(counts()) == {1}
        assert set(counts()) == {1}
    assert counts() == before
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert counts() == before


def test_the_last_of_several_users_gives_it_back():
    before, inside, leave = counts(), threading.Event(), threading.Event()

    def other():
        with one_thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_thread():
        thread.start()
        assert inside.wait(10)
    # the other one is still there
    assert set(counts()) == {1}
    leave.set()
    thread.join()
    assert counts() == before
