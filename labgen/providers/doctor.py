"""The doctor: what this computer lacks for a lab, found before anything is downloaded.

::

    diagnosis = examine(lab)
    print(report(diagnosis))
    choice = diagnosis.choose(lab)   # HostError where there is nothing to choose
"""

from labgen.host.computer import Host
from labgen.host.debian import install
from labgen.host.findings import Finding
from labgen.providers.diagnosis import Choice, Diagnosis, examine, packages, refuse_unknown
from labgen.providers.diagnosis_report import as_json, report

__all__ = [
    "Choice",
    "Diagnosis",
    "Finding",
    "Host",
    "as_json",
    "examine",
    "install",
    "packages",
    "refuse_unknown",
    "report",
]
