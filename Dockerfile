# One image for all roles: compose.yaml starts it as web, worker and beat; by itself it runs the whole tree.
FROM python:3.11-slim AS build
WORKDIR /thaw
RUN pip install --no-cache-dir uv && python -m venv .venv
COPY requirements.lock ./
RUN uv pip sync --no-cache --python .venv/bin/python --require-hashes --compile-bytecode requirements.lock

FROM python:3.11-slim
RUN useradd --create-home --uid 1000 thaw && install -d -o thaw -g thaw -m 0700 /data
WORKDIR /thaw
COPY --from=build /thaw/.venv .venv
COPY manage.py ./
COPY crm crm
COPY leads leads
COPY touchpoints touchpoints
COPY templates templates
COPY static static
ENV PATH=/thaw/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 THAW_DIR=/data HOST=0.0.0.0 PORT=8000
USER thaw
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "manage.py", "serve"]
