"""Whether a port answers: from the host, and from wherever a machine is."""
import socket
import subprocess


def connects(address: str, port: int, timeout: float = 2) -> bool:
    try:
        with socket.create_connection((address, port), timeout=timeout):
            return True
    except OSError:
        return False


def connects_from(namespace: str, address: str, port: int, timeout: float = 2) -> bool:
    """From inside the machine whose network namespace that is."""
    probe = f"exec 3<>/dev/tcp/{address}/{port}"
    return subprocess.run(["nsenter", f"--net=/run/netns/{namespace}", "timeout", str(timeout),
                           "bash", "-c", probe], capture_output=True).returncode == 0
