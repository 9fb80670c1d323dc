/** Where metrics are served, from the checked file. */
import type { MetricsConfig } from './config.ts';
import type { ConfigFile } from './schema.ts';
import type { Path } from './source.ts';

/** Metrics show who is there and what happens: they leave this host through a proxy of the operator's only. */
export function metricsOf(
  { metrics }: ConfigFile,
  complain: (path: Path, text: string) => void,
): MetricsConfig | undefined {
  if (metrics === undefined) return undefined;
  const { socket, address = '127.0.0.1', port } = metrics;
  if ((socket === undefined) === (port === undefined)) {
    complain(['metrics'], 'needs socket (a path) or port, and not both');
    return undefined;
  }
  if (socket !== undefined) {
    if (metrics.address !== undefined)
      complain(['metrics', 'address'], 'means nothing with socket');
    return { socket };
  }
  if (!isLoopback(address)) {
    const text = `${address} is no loopback address: metrics are not sealed and ask nobody who he is; put a proxy before them`;
    complain(['metrics', 'address'], text);
  }
  return { address, port: port! };
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
