import { linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { logEvent } from '../log/events.ts';
import { markdownTable, referencePage } from '../reference.fixture.ts';
import { createCollector } from './collector.ts';
import { expositionText } from './exposition.ts';
import { createHistogram } from './histogram.ts';
import { MetricsError, type MetricsServer, serveMetrics } from './server.ts';
import { fullFamilies, fullStatus } from './status.fixture.ts';

interface Parsed {
  readonly types: ReadonlyMap<string, string>;
  readonly samples: ReadonlyMap<string, number>;
}

/** The format to the letter: what is no line of it throws. */
function parse(text: string): Parsed {
  const types = new Map<string, string>();
  const samples = new Map<string, number>();
  expect(text.endsWith('\n')).toBe(true);
  for (const line of text.slice(0, -1).split('\n')) {
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
    if (type !== null) {
      if (types.has(type[1]!)) throw new Error(`${type[1]} has two types`);
      types.set(type[1]!, type[2]!);
      continue;
    }
    if (/^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* [^\n]+$/.test(line)) continue;
    const sample =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)((?:\{(?:[a-zA-Z_]\w*="(?:[^"\\]|\\["\\n])*",?)+\})?) (\S+)$/.exec(
        line,
      );
    if (sample === null) throw new Error(`no line of the format: ${line}`);
    const [, name, labels, value] = sample as unknown as [string, string, string, string];
    if (samples.has(name + labels)) throw new Error(`twice: ${name}${labels}`);
    const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');
    if (!types.has(family)) throw new Error(`${name} has no type`);
    if (!Number.isFinite(Number(value))) throw new Error(`no number: ${line}`);
    samples.set(name + labels, Number(value));
  }
  return { types, samples };
}

describe('the text of the metrics', () => {
  test('is Prometheus’ format, with names that say what they are', () => {
    const { types, samples } = parse(expositionText(fullFamilies()));
    for (const [name, type] of types) {
      expect(name).toMatch(/^(ais|process)_[a-z_]+$/);
      if (type === 'counter') expect(name).toMatch(/_total$/);
      else expect(name).not.toMatch(/_total$/);
    }
    expect(
      samples.get('ais_build_info{version="1.2.3",node_id="1",node="a \\"quoted\\"\\\\\\nname"}'),
    ).toBe(1);
    expect(samples.get('ais_members')).toBe(2);
    expect(samples.get('ais_link_up{peer="2",link="1"}')).toBe(1);
    expect(samples.get('ais_link_rtt_seconds{peer="2",link="1"}')).toBe(0.0005);
    expect(samples.get('ais_uptime_seconds')).toBe(2.5);
    expect(samples.get('ais_internal{part="other",name="unnamed"}')).toBe(7);
    expect(samples.get('ais_totem_token_rotation_seconds_bucket{le="1"}')).toBe(3);
    expect(samples.get('ais_totem_token_rotation_seconds_bucket{le="+Inf"}')).toBe(6);
    expect(samples.get('ais_totem_token_rotation_seconds_count')).toBe(6);
  });

  test('shows the ring and the event loop side by side', () => {
    const names = fullFamilies().map(({ name }) => name);
    const rotation = names.indexOf('ais_totem_token_rotation_seconds');
    expect(names[rotation + 1]).toBe('ais_event_loop_delay_seconds');
  });

  test('has the families that docs/reference/metrics.md lists', () => {
    const rows = fullFamilies().map(({ name, type, help, samples }) => {
      const labels = new Set(samples.flatMap(({ labels: found = {} }) => Object.keys(found)));
      return [`\`${name}\``, type, [...labels].join(', '), help];
    });
    const expected = `# Metrics

Prometheus' text format, at \`/metrics\` of the socket or port that the configuration names as \`metrics\`, and as \`aisctl metrics\`. Beside it for
probes: \`/livez\` (the event loop turns), \`/readyz\` (services answer), \`/quorumz\` (this part has quorum): 200, or 503 with the reason. Names and labels are an
interface; only \`ais_internal\` promises nothing. No label ever carries the name of a lock, a checkpoint or a channel.

Printed from \`packages/executive/src/metrics/families.ts\` (\`UPDATE_REFERENCE=1 npm run unit -- packages/executive/src/metrics\`); a test compares both.

${markdownTable(['Name', 'Type', 'Labels', 'Meaning'], rows)}`;
    expect(referencePage('metrics.md', expected)).toBe(expected);
  });
});

describe('what is measured beside the status', () => {
  test('falls into its bucket, the bound itself included', () => {
    const histogram = createHistogram([1, 2]);
    for (const value of [0.5, 1, 1.5, 2, 2.5]) histogram.observe(value);
    expect(histogram.value()).toEqual({
      bounds: [1, 2],
      counts: [2, 2, 1],
      sum: 7.5,
    });
  });

  test('a rotation is between two tokens of one ring, a synchronisation from ring to view', () => {
    const collector = createCollector();
    collector.token(1_000);
    collector.token(1_003);
    collector.noToken();
    collector.token(9_000);
    collector.event(logEvent('sync-start'), 100);
    collector.event(logEvent('sync-start'), 300);
    collector.event(logEvent('view'), 600);
    collector.event(logEvent('view'), 900);
    collector.reloaded(false, 77);
    const { samples } = parse(collector.text(fullStatus()));
    collector.stop();
    expect(samples.get('ais_totem_token_rotation_seconds_count')).toBe(1);
    expect(samples.get('ais_totem_token_rotation_seconds_sum')).toBeCloseTo(0.003);
    expect(samples.get('ais_sync_duration_seconds_count')).toBe(1);
    expect(samples.get('ais_sync_duration_seconds_sum')).toBeCloseTo(0.5);
    expect(samples.get('ais_log_events_total{level="info"}')).toBe(2);
    expect(samples.get('ais_config_last_reload_success')).toBe(0);
  });
});

describe('the server of the metrics', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ais-metrics-'));
  const socket = join(directory, 'm.sock');
  afterAll(() => rmSync(directory, { recursive: true }));
  let status = fullStatus();
  const source = { status: () => status, metrics: () => 'text\n' };

  function get(path: string, method = 'GET', at: object = { socketPath: socket }) {
    return new Promise<{ code: number; body: string }>((resolve, reject) => {
      const call = request({ ...at, path, method, agent: false }, (response: IncomingMessage) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body }));
      });
      call.on('error', reject);
      call.end();
    });
  }

  test('answers on a unix socket: metrics, probes, and what it does not know', async () => {
    const server = await serveMetrics({ socket }, source);
    expect(await get('/metrics')).toEqual({ code: 200, body: 'text\n' });
    expect((await get('/livez')).code).toBe(200);
    expect((await get('/readyz')).code).toBe(200);
    expect((await get('/quorumz')).code).toBe(200);
    status = { ...status, view: null, quorum: { ...status.quorum, quorate: false } };
    expect(await get('/readyz')).toEqual({ code: 503, body: 'synchronising\n' });
    expect(await get('/quorumz')).toEqual({ code: 503, body: 'not quorate\n' });
    expect((await get('/')).code).toBe(404);
    expect((await get('/metrics', 'POST')).code).toBe(405);
    await expect(serveMetrics({ socket }, source)).rejects.toThrow('somebody else does');
    await server.close();
  });

  test('takes over a dead socket and leaves alone what is none', async () => {
    const dead = createServer();
    const other = join(directory, 'other.sock');
    await new Promise<void>((resolve) => dead.listen(other, resolve));
    // A second name of it stays behind when it closes, as after a kill.
    linkSync(other, socket);
    const file = join(directory, 'file');
    writeFileSync(file, '');
    await expect(serveMetrics({ socket: file }, source)).rejects.toThrow(MetricsError);
    await new Promise((resolve) => dead.close(resolve));
    const server = await serveMetrics({ socket }, source);
    await server.close();
  });

  test('answers on a loopback port; rubbish and a half request only cost their sender', async () => {
    const port = await freePort();
    const server: MetricsServer = await serveMetrics({ address: '127.0.0.1', port }, source);
    expect(server.address).toBe(`http://127.0.0.1:${port}`);
    const rude = connect(port, '127.0.0.1');
    const gone = new Promise((resolve) => rude.on('close', resolve));
    rude.on('error', () => {});
    rude.write('\0\0\0 rubbish\r\n\r\n');
    await gone;
    const slow = connect(port, '127.0.0.1');
    const ended = new Promise((resolve) => slow.on('close', resolve));
    slow.on('error', () => {});
    slow.write('GET /met');
    expect((await get('/metrics', 'GET', { port, host: '127.0.0.1' })).code).toBe(200);
    await expect(serveMetrics({ address: '127.0.0.1', port }, source)).rejects.toThrow(
      'EADDRINUSE',
    );
    await server.close();
    await ended;
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
