# One image for every role: the command chooses (`python -m webapp` by default, `python -m backend_services.worker …`).
FROM python:3.11.15-slim-bookworm AS libraries
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.txt .
# Wheels only: nothing is compiled, and what is installed is what the hashes name.
RUN python -m venv --without-pip /libraries \
 && pip --python /libraries/bin/python install --only-binary :all: --require-hashes -r requirements.txt

FROM python:3.11.15-slim-bookworm
LABEL org.opencontainers.image.title="Waybill" \
      org.opencontainers.image.description="An open-source, event-sourced delivery management system" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/libraries/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    WAYBILL_HOST=0.0.0.0 WAYBILL_DATA_DIR=/data
RUN groupadd --system --gid 10001 waybill \
 && useradd --system --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin waybill \
 && install -d -o 10001 -g 10001 -m 0750 /data
WORKDIR /app
COPY --from=libraries /libraries /libraries
COPY LICENSE docker/healthcheck.py ./
COPY eventstore eventstore
COPY backend_services backend_services
COPY webapp webapp
# The folder belongs to root, so the program can't write its byte code itself.
RUN python -m compileall -q eventstore backend_services webapp
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "/app/healthcheck.py"]
CMD ["python", "-m", "webapp"]
