# The gateway as an image: locked and hashed packages, no compiler, no shell needed, an account without rights.
# Pin the base by digest before production (deploy/README.md); no digest is written here that nobody has checked.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/yiyang
RUN python -m venv /opt/yiyang/venv
COPY requirements.lock ./
RUN venv/bin/pip install --require-hashes --only-binary=:all: -r requirements.lock
COPY gateway gateway
COPY security security
COPY mappings mappings
COPY profiles/generated profiles/generated
COPY deploy/yiyang venv/bin/yiyang
RUN echo /opt/yiyang > "$(venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/yiyang.pth" \
 && venv/bin/python -m compileall -q gateway security venv/lib \
 && install -d -m 0700 /data

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="yiyang" \
      org.opencontainers.image.description="FHIR R4 gateway for integrated medical and elderly care" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/yiyang /opt/yiyang
COPY --from=build --chown=65532:65532 /data /data
ENV PATH=/opt/yiyang/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LANG=C.UTF-8 \
    YIYANG_HOME=/data YIYANG_LOG=json
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8080 2575
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 CMD ["yiyang", "doctor", "--health"]
ENTRYPOINT ["yiyang"]
CMD ["serve", "--behind-proxy"]
