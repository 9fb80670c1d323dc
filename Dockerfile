# An executive in a container (docs/operations.md):
#   docker build -t aisexec .
#   docker run --network host -v aisexec-state:/var/lib/aisexec -v /etc/aisexec:/etc/aisexec:ro aisexec -c /etc/aisexec/aisexec.yaml
# The ring needs the host's network or addresses that do not change; the state must outlive the container.
FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN node tools/prepare.mjs
# What runs is built code and the dependencies of the lock file, nothing else.
RUN npm prune --omit=dev --no-fund --no-audit \
 && rm -rf packages/*/src packages/simulator packages/*/dist/tsconfig*.tsbuildinfo \
 && chmod +x packages/*/dist/bin/*.js

FROM node:22-bookworm-slim
RUN groupadd --gid 5405 aisexec \
 && useradd --uid 5405 --gid aisexec --no-create-home --shell /usr/sbin/nologin aisexec \
 && install -d -o aisexec -g aisexec -m 0700 /var/lib/aisexec \
 && install -d -o aisexec -g aisexec -m 0755 /run/aisexec \
 && install -d /etc/aisexec
WORKDIR /app
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/packages ./packages
ENV PATH=/app/node_modules/.bin:$PATH \
    NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=32 \
    AISEXEC_SOCKET=/run/aisexec/aisexec.sock \
    XDG_STATE_HOME=/var/lib
USER aisexec
VOLUME ["/var/lib/aisexec", "/run/aisexec"]
# Answers also without quorum and while the ring re-forms: a node that waits is not ill.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["aisctl", "status", "--format", "json"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["aisexec"]
