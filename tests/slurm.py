"""A real SLURM for tests: one node on this machine, reachable from it alone, with its
own key, ports and state in one folder.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

CONFIG = """
ClusterName=spinrnn
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=5
SlurmdParameters=config_overrides
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
StateSaveLocation={folder}/state
SlurmdPidFile={folder}/slurmd.pid
SlurmdLogFile={folder}/slurmd.log
SlurmdSpoolDir={folder}/spool
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=2000 State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
PATIENCE = 30
"""Seconds in which a daemon must start, and then the node be idle."""


class NoSlurm(Exception):
    """It cannot be had here; the message says why."""


def start(folder):
    """Starts it. Returns the environment in which its commands find it; raises NoSlurm."""
    missing = [
        name for name in ("munged", "slurmctld", "slurmd", "sinfo") if shutil.which(name) is None
    ]
    if missing:
        raise NoSlurm(f"not installed: {', '.join(missing)}")
    if os.getuid():
        raise NoSlurm("only root can start it")
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    host = socket.gethostname().partition(".")[0]
    (folder / "slurm.conf").write_text(
        CONFIG.format(host=host, folder=folder, ports=_free_ports(2), cpus=os.cpu_count())
    )
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    own = [
        f"--{name}-file={folder / file}"
        for name, file in (("key", key.name), ("pid", "munged.pid"), ("log", "munged.log"))
    ]
    # forced: it would not have a folder that other users cannot enter, and there are none
    _run(
        [
            "munged",
            "--force",
            f"--socket={folder / 'munge.socket'}",
            f"--seed-file={folder / 'seed'}",
            *own,
        ],
        folder,
        environment,
    )
    _run(["slurmctld"], folder, environment)
    _run(["slurmd"], folder, environment)
    end = time.monotonic() + PATIENCE
    while _run(["sinfo", "--noheader", "--format=%T"], folder, environment, check=False) != "idle":
        if time.monotonic() > end:
            raise NoSlurm(f"no idle node within {PATIENCE} s: {_last_words(folder)}")
        time.sleep(0.5)
    return environment


def stop(folder):
    """Ends the daemons that `start` has started there."""
    for name in ("slurmd", "slurmctld", "munged"):
        with contextlib.suppress(OSError, ValueError):  # it has not started, or has died
            os.kill(int((folder / f"{name}.pid").read_text()), signal.SIGTERM)


def _free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _run(command, folder, environment, check=True):
    """What a command prints. To a file, as daemons keep it open."""
    log = folder / f"{command[0]}.out"
    try:
        with open(log, "w") as output:
            status = subprocess.run(
                command, stdout=output, stderr=output, env=environment, timeout=PATIENCE
            ).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoSlurm(f"{command[0]}: {error}") from None
    if check and status:
        raise NoSlurm(f"{command[0]} ends with status {status}: {_last_words(folder)}")
    return log.read_text().strip()


def _last_words(folder):
    lines = [
        (path.name, path.read_text(errors="replace").strip().splitlines())
        for path in sorted(folder.glob("*.[lo][ou][gt]"))
    ]
    return "; ".join(f"{name}: {found[-1][:200]}" for name, found in lines if found)
