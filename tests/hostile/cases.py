"""Hostile input for mri-unpack, the same bytes every time: cases.py DIR writes DIR/001-name and so on, and to stdout a
table: number, name, what must come of it, and a pattern of the reason. tests/hostile/cases.sh holds the programs to it.

    object, document   taken: every case has an object or document of its own
    aside              the file is set aside, with the reason
    refused            an archive that is refused whole, with the reason
    partial            an archive of which something is taken and something set aside, with the reason
"""
import dicom_cases, zip_cases

for section in dicom_cases.SECTIONS + zip_cases.SECTIONS:
    section()
