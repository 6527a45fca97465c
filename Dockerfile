# syntax=docker/dockerfile:1
# The gateway without a shell, a package manager or anything it could write to. See docs/deployment.md.

# Node with the October 2026 security release, which the registry's node-linux-* packages lack (docs/decisions/0006).
FROM node:26.12.1-bookworm-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends libatomic1
# Node 26 links libatomic, which the distroless image lacks.
RUN set -eu; lib=$(ldconfig -p | awk '/libatomic\.so\.1 /{ print $NF; exit }'); \
    install -D "$(readlink -f "$lib")" "/runtime/usr/lib/$(basename "$(dirname "$lib")")/libatomic.so.1"
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No optional packages: the pinned Node and the embedded PostgreSQL are for development.
RUN npm ci --omit=dev --omit=optional --ignore-scripts
COPY LICENSE ./
COPY migrations migrations
COPY keys-policy keys-policy
COPY deploy/healthcheck.ts deploy/healthcheck.ts
# .dockerignore keeps src/demo out.
COPY src src

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /runtime/ /
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app /app
WORKDIR /app
USER 65532:65532
EXPOSE 8443 8444 8445
# The container must run with a core limit of 0 (docker-compose.yml, ulimits): a core of a sealer would hold plaintext.
ENTRYPOINT ["/usr/local/bin/node", "--disable-sigusr1", "/app/src/cli/main.ts"]
CMD ["serve"]
