# The command in a small image, for clusters and servers:
#   docker build -t slab-exporter .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" slab-exporter export scans/ -o slabs
FROM python:3.12-slim AS build
COPY . /source
RUN python -m venv /opt/slab-exporter && /opt/slab-exporter/bin/pip install --no-cache-dir "/source[dicom-decoders,dicom-seg]"

# Slicer's libraries need nothing of the system but the C++ library, which the image has.
FROM python:3.12-slim
COPY --from=build /opt/slab-exporter /opt/slab-exporter
RUN useradd --create-home --uid 10001 slabs
USER 10001
WORKDIR /data
ENTRYPOINT ["/opt/slab-exporter/bin/slab-exporter"]
CMD ["--help"]
