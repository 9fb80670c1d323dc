/** One line of the log for people: time, level, event, details; on a terminal with colours. */

const COLOURS: Readonly<Record<string, string>> = {
  trace: '2',
  debug: '2',
  info: '36',
  warn: '33',
  error: '31',
};

/** @param json one line as the JSON log has it. What is no JSON is returned as it is. */
export function humanLine(json: string, colour: boolean): string {
  let line: Record<string, unknown>;
  try {
    line = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return json;
  }
  const { level, time, event, node: _node, ...detail } = line;
  const clock = String(time).slice(11, 23);
  const name = String(level).toUpperCase().padEnd(5);
  const details = Object.entries(detail).map(([key, value]) => `${key}=${valueText(value)}`);
  const code = colour ? COLOURS[String(level)] : undefined;
  const head = code === undefined ? `${name} ${event}` : `\u001b[${code}m${name} ${event}\u001b[0m`;
  return [clock, head, ...details].join(' ');
}

function valueText(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) {
    return value.join(',');
  }
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? '';
}
