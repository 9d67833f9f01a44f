# One image for every service, the control API, the CLI and the sandbox: the command says which.
# The first stage fetches every package by the hashes of requirements.lock; the second installs
# from what was fetched, with no network, only what the wheel itself needs.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.lock ./
RUN pip download --no-cache-dir --no-deps --require-hashes --requirement requirements.lock --dest /wheels
COPY pyproject.toml README.md LICENSE ./
COPY services ./services
COPY schemas ./schemas
RUN pip wheel --no-cache-dir --no-deps --no-index --find-links /wheels --wheel-dir /wheels . \
    && python -m venv /opt/hooklane \
    && sed -n -E 's/^([A-Za-z0-9._-]+(\[[^]]*\])?==[^ ;\\]+).*/\1/p' requirements.lock | sed -E 's/\[[^]]*\]//' > versions \
    && /opt/hooklane/bin/pip install --no-cache-dir --no-index --find-links /wheels --constraint versions hooklane \
    && /opt/hooklane/bin/pip uninstall --yes pip

FROM python:3.11-slim
COPY --from=build /opt/hooklane /opt/hooklane
ENV PATH=/opt/hooklane/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /tmp
CMD ["hooklane", "--help"]
