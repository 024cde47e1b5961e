"""The tutorial's data in Slicer's Sample Data module."""

from pathlib import Path

# CTLiver of Slicer's own Sample Data: liver_100 of the Medical Segmentation Decathlon, CC-BY-SA 4.0.
LIVER_SHA256 = "e16eae0ae6fefa858c5c11e58f0f1bb81834d81b7102e021571056324ef6f37e"
LIVER_URL = "https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/"


def registerSampleData():
    """List the tutorial's data in Sample Data; nothing is downloaded or made before the user clicks."""
    import SampleData

    icons = Path(__file__).parents[1] / "Resources" / "Icons"
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="SlabExporter",
        sampleName="SlabExporterLiver",
        uris=LIVER_URL + LIVER_SHA256,
        fileNames="CTLiver.nrrd",
        nodeNames="CTLiver",
        checksums=f"SHA256:{LIVER_SHA256}",
    )
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="SlabExporter",
        sampleName="SlabExporterTorso",
        thumbnailFileName=str(icons / "SlabExporterTorso.png"),
        uris="made on this computer",
        customDownloader=loadPhantomSample,
    )


def loadPhantomSample(source=None):
    """Make the phantom for Sample Data; called with its entry."""
    from .logic import SlabExporterLogic

    return SlabExporterLogic().loadPhantom()
