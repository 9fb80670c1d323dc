/**
 * Where metrics are fetched: HTTP on a unix socket or a loopback port. `/metrics`, and for probes `/livez` (the
 * event loop turns), `/readyz` (services answer), `/quorumz` (this part has quorum). Bounded: few connections, short
 * requests, no bodies. It is read-only and shows no contents, but who may fetch it is up to the socket's mode.
 */
import { chmodSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createConnection } from 'node:net';
import type { MetricsConfig } from '../config/config.ts';
import { METRICS_CONNECTIONS_MAX, METRICS_REQUEST_MS_MAX } from '../limits.ts';
import type { ExecutiveStatus } from '../status.ts';
import { CONTENT_TYPE } from './exposition.ts';

export interface MetricsSource {
  status(): ExecutiveStatus;
  metrics(): string;
}

export interface MetricsServer {
  /** For people: a path, or `http://127.0.0.1:9664`. */
  readonly address: string;
  close(): Promise<void>;
}

/** The metrics cannot be served where the configuration says. */
export class MetricsError extends Error {
  override readonly name = 'MetricsError';
}

/** @throws MetricsError */
export async function serveMetrics(
  config: MetricsConfig,
  source: MetricsSource,
): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: METRICS_REQUEST_MS_MAX }, (request, response) =>
    answer(request, response, source),
  );
  server.headersTimeout = METRICS_REQUEST_MS_MAX;
  server.keepAliveTimeout = METRICS_REQUEST_MS_MAX;
  server.maxConnections = METRICS_CONNECTIONS_MAX;
  server.on('clientError', (_error, socket) => socket.destroy());
  const { socket } = config;
  const address = socket ?? `http://${config.address}:${config.port}`;
  if (socket !== undefined) await removeDead(socket);
  await listen(server, config, address);
  if (socket !== undefined) chmodSync(socket, 0o660);
  // Never what keeps the process alive.
  server.unref();
  return { address, close: () => close(server) };
}

function listen(server: Server, config: MetricsConfig, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(new MetricsError(`metrics cannot be served at ${address}: ${message}`)),
    );
    if (config.socket !== undefined) server.listen(config.socket, resolve);
    else server.listen(config.port, config.address, resolve);
  });
}

/** A socket that nobody answers on was left by a process that was killed. */
async function removeDead(path: string): Promise<void> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new MetricsError(`metrics cannot be served at ${path}: it exists and is not a socket`);
  }
  const isDead = await new Promise<boolean>((resolve) => {
    const probe = createConnection(path, () => {
      probe.destroy();
      resolve(false);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
  if (!isDead) throw new MetricsError(`metrics cannot be served at ${path}: somebody else does`);
  rmSync(path, { force: true });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function answer({ method, url }: IncomingMessage, response: ServerResponse, source: MetricsSource) {
  if (method !== 'GET' && method !== 'HEAD') return say(response, 405, 'GET only\n');
  switch (url) {
    case '/metrics':
      response.setHeader('content-type', CONTENT_TYPE);
      return response.end(source.metrics());
    case '/livez':
      return say(response, 200, 'ok\n');
    case '/readyz':
      return probe(response, source.status().view !== null, 'synchronising');
    case '/quorumz':
      return probe(response, source.status().quorum.quorate, 'not quorate');
    default:
      return say(response, 404, '/metrics /livez /readyz /quorumz\n');
  }
}

function probe(response: ServerResponse, holds: boolean, otherwise: string) {
  return holds ? say(response, 200, 'ok\n') : say(response, 503, `${otherwise}\n`);
}

function say(response: ServerResponse, code: number, text: string) {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' });
  return response.end(text);
}
