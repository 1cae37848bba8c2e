# corecore without a display, as a user without rights:
#   docker build -t corecore .
#   docker run --rm -v "$PWD:/data" corecore plan --femur seg.nii.gz:1 --lesion seg.nii.gz:2 --out case01
# The build plans the demo and recalculates it: an image that cannot do that is not made.
FROM python:3.12-slim AS build
COPY . /source
RUN python -m venv /opt/corecore \
 && /opt/corecore/bin/pip install --no-cache-dir "/source[dicom,guide,itk,batch]"

FROM python:3.12-slim
# Off-screen OpenGL for VTK.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libegl1 libgl1-mesa-dri \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 planner \
 && mkdir /data /var/cache/corecore \
 && chown planner /data /var/cache/corecore
COPY --from=build /opt/corecore /opt/corecore
# Kernels that the demo compiles stay in the image, whoever runs it.
ENV PATH=/opt/corecore/bin:$PATH NUMBA_CACHE_DIR=/var/cache/corecore
USER planner
WORKDIR /data
RUN corecore demo --out /tmp/demo && corecore verify /tmp/demo/plan.json && rm -r /tmp/demo
HEALTHCHECK --interval=5m --timeout=60s CMD ["corecore", "doctor"]
ENTRYPOINT ["corecore"]
CMD ["--help"]
