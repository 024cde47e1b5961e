"""Send a folder of DICOM files to an Orthanc of its own and tell what comes back, as JSON.

Run by the test as a program of its own, so that it can live in a network namespace that has nothing
but a loopback. Where namespaces are not to be had, Orthanc answers this machine only.

Usage: orthanc_session.py ORTHANC STORESCU DICOM_FOLDER WORK_FOLDER
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def configuration(work: Path, http: int, dicom: int) -> Path:
    path = work / "orthanc.json"
    path.write_text(
        json.dumps(
            {
                "StorageDirectory": str(work / "storage"),
                "IndexDirectory": str(work / "storage"),
                "HttpPort": http,
                "DicomPort": dicom,
                "DicomAet": "ORTHANC",
                "RemoteAccessAllowed": False,
                "AuthenticationEnabled": False,
                "DicomAlwaysAllowStore": False,
                "DicomCheckModalityHost": True,
                "DicomModalities": {"test": ["TEST", "127.0.0.1", 1]},
                "Plugins": [],
            }
        )
    )
    return path


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            raise SystemExit(f"Orthanc ended with {server.returncode}")
        try:
            get(f"{url}/system")
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("Orthanc does not answer")


def session(orthanc: str, storescu: str, folder: Path, work: Path) -> dict[str, Any]:
    http, dicom = free_port(), free_port()
    url = f"http://127.0.0.1:{http}"
    with (work / "orthanc.log").open("wb") as log:
        server = subprocess.Popen([orthanc, str(configuration(work, http, dicom))], stdout=log, stderr=log)
        try:
            wait_for(url, server)
            command = [storescu, "-R", "-aet", "TEST", "-aec", "ORTHANC", "+sd", "+r", "+sp", "*.dcm"]
            sent = subprocess.run([*command, "127.0.0.1", str(dicom), str(folder)], capture_output=True, text=True)
            returned = work / "returned"
            returned.mkdir()
            for instance in json.loads(get(f"{url}/instances")):
                (returned / f"{instance}.dcm").write_bytes(get(f"{url}/instances/{instance}/file"))
            return {
                "storescu": sent.returncode,
                "storescu_says": (sent.stdout + sent.stderr)[-2000:],
                "studies": json.loads(get(f"{url}/studies?expand")),
                "series": json.loads(get(f"{url}/series?expand")),
            }
        finally:
            server.terminate()
            server.wait(timeout=PATIENCE_SECONDS)


if __name__ == "__main__":
    print(json.dumps(session(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))))
