"""The doctor: what this computer lacks for a lab, found before anything is downloaded.

::

    diagnosis = examine(lab)
    print(report(diagnosis))
    choice = diagnosis.choose(lab)   # HostError where there is nothing to choose
"""

from labgen.doctor.debian import install, packages
from labgen.doctor.diagnosis import Choice, Diagnosis, examine, known
from labgen.doctor.findings import Finding
from labgen.doctor.host import Host
from labgen.doctor.report import as_json, report

__all__ = ["Choice", "Diagnosis", "Finding", "Host", "as_json", "examine", "install", "known", "packages", "report"]
