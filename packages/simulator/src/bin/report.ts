/** What `aissim` says about runs: the summary of one, one line each of many. */
import { violationText } from '../checkers/violation.ts';
import type { RunResult } from '../run.ts';
import type { RunOptions } from '../scenario.ts';
import { replayCommand } from './command-line.ts';

const LABEL_WIDTH = 10;

/** The end of one run, for people. */
export function summaryText(result: RunResult, options: RunOptions, wallMs: number): string {
  const { network, summary } = result;
  const times = Math.round(result.simulatedMs / Math.max(wallMs, 1));
  const lost = percent(
    network.lost + network.blocked + network.overflowed + network.damaged + network.oversized,
    network.sent,
  );
  const converged =
    result.convergedAfterMs < 0
      ? 'never'
      : `${result.convergedAfterMs.toFixed(0)} ms after healing`;
  const lines: readonly (readonly [string, string])[] = [
    ['seed', `${result.seed}, ${result.nodes} nodes`],
    ['faults', faultsText(result)],
    [
      'packets',
      `${network.sent} sent, ${lost} lost, ${network.duplicated} doubled, ${network.replayed} replayed, ${network.damaged} damaged`,
    ],
    ['views', `${summary.configurations} configurations of ${summary.rings} rings`],
    ['messages', `${summary.sent} sent, ${summary.delivered} deliveries`],
    ...workLines(result),
    ['one ring', converged],
    [
      'time',
      `${(result.simulatedMs / 1000).toFixed(1)} s simulated in ${(wallMs / 1000).toFixed(2)} s (${times} times real time)`,
    ],
    ['trace', `${result.traceHash}, ${result.records} records`],
    ['verdict', verdictText(result)],
  ];
  const text = lines.map(([label, value]) => `${label.padEnd(LABEL_WIDTH)}${value}`);
  for (const violation of result.violations) text.push(`  ${violationText(violation)}`);
  if (!result.clean) text.push(`${'replay'.padEnd(LABEL_WIDTH)}${replayCommand(options)}`);
  return text.join('\n');
}

/** One seed of many. */
export function seedLine(result: RunResult, options: RunOptions): string {
  const { network, summary } = result;
  const columns = [
    `seed ${String(result.seed).padStart(6)}`,
    `${String(result.nodes).padStart(2)} nodes`,
    `${String(network.sent).padStart(7)} packets`,
    `${String(summary.delivered).padStart(7)} deliveries`,
    `${String(summary.rings).padStart(4)} rings`,
    result.traceHash,
    result.clean ? 'clean' : verdictText(result),
  ];
  const line = columns.join('  ');
  if (result.clean) return line;
  const first = result.violations[0];
  const what = first === undefined ? '' : `\n    ${violationText(first)}`;
  return `${line}${what}\n    replay: ${replayCommand({ ...options, seed: result.seed })}`;
}

function verdictText(result: RunResult): string {
  if (result.clean) return 'clean';
  const properties = [...new Set(result.violations.map((violation) => violation.property))];
  return `${result.violationCount} violations of ${properties.join(', ')}`;
}

function faultsText(result: RunResult): string {
  const entries = Object.entries(result.faults);
  if (entries.length === 0) return 'none but the network';
  return entries.map(([kind, count]) => `${kind} ${count}`).join(', ');
}

const percent = (part: number, whole: number): string =>
  whole === 0 ? '0 %' : `${((100 * part) / whole).toFixed(1)} %`;

/** Rows in columns as wide as their widest cell. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

function workLines({ work }: RunResult): (readonly [string, string])[] {
  if (work === undefined) return [];
  return [
    [
      'work',
      Object.entries(work)
        .map(([name, count]) => `${count} ${name}`)
        .join(', '),
    ],
  ];
}
