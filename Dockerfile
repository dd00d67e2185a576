# One image for all processes: `docker run batchwright api`, `… worker`, `… migrate`. docker-compose.yml shows how they fit together.
# Debian, not Alpine: Temporal's native core and SWC have no musl build for every processor that we support.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
# Only what decides the dependencies, so that a change of code doesn't install them again.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM ${NODE_IMAGE}
# Temporal's native core checks TLS certificates (Temporal Cloud) against the system's, which the slim image lacks.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules ./node_modules
# .dockerignore lets in the rooms that run, and nothing else: no tests, no keys.
COPY . .
# Workers start with the workflows bundled already.
RUN node worker/build-bundle.ts /app/dist/workflow-bundle.js
ENV BATCHWRIGHT_WORKFLOW_BUNDLE=/app/dist/workflow-bundle.js
# The files stay root's; the program can't change itself.
USER node
EXPOSE 8787
ENTRYPOINT ["node", "cli/main.ts"]
CMD ["--help"]
