"""Examples of each command, for its help and for the reference; a test reads them with the parser."""

from __future__ import annotations

from .parser import DOCUMENTATION

EXAMPLES: dict[str, tuple[str, ...]] = {
    "export": (
        "slab-exporter export ct.nii.gz --labels organs.nii.gz -o slabs",
        "slab-exporter export scans/ --labels masks/ -o slabs --thickness-mm 96 --remainder balance",
        "slab-exporter export scans/ -o blocks --block 64,64,32 --overlap 16 --keep body",
        "slab-exporter export dicom_folder/ -o slabs --format dicom",
        "slab-exporter export scans/ -o slabs --resume",
    ),
    "verify": ("slab-exporter verify slabs", "slab-exporter verify slabs/ct --json"),
    "inspect": (
        "slab-exporter inspect ct.nii.gz --labels organs.nii.gz",
        "slab-exporter inspect scans/ --sort spacing_k_mm --csv scans.csv",
    ),
    "stitch": (
        "slab-exporter stitch slabs/ct --predictions predictions/ -o whole.nii.gz",
        "slab-exporter stitch slabs --predictions predictions/ --blend gaussian -o stitched/",
    ),
    "compare": (
        "slab-exporter compare ct.nii.gz converted.nii.gz",
        "slab-exporter compare ct.nii.gz converted.nii.gz --fix fixed.nii.gz",
    ),
    "where": (
        "slab-exporter where ct.nii.gz --lps -98.75 -38.75 76.5",
        "slab-exporter where slabs/ct --ijk 200 180 75",
    ),
    "flirt": ("slab-exporter flirt ct_to_mni.mat --moving ct.nii.gz --reference mni.nii.gz -o ct_to_mni.tfm",),
    "demo": ("slab-exporter demo", "slab-exporter demo --story -o demo --overwrite"),
}


def examples_text(command: str) -> str:
    """Return the end of a command's help: examples, and where more is written."""
    lines = "\n".join(f"  {line}" for line in EXAMPLES[command])
    return f"examples:\n{lines}\n\nDocumentation: {DOCUMENTATION}"
