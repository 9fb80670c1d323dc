/** Runs the built `aisctl` as a process of its own, as a shell would. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { useCluster } from './support.fixture.ts';

const AISCTL = fileURLToPath(new URL('../../packages/ctl/dist/bin/aisctl.js', import.meta.url));

/** Where no executive listens. */
export const NOWHERE = '/nonexistent/aisexec.sock';

export interface Outcome {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** An `aisctl` that runs, with its output so far. */
export class Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly outcome: Promise<Outcome>;
  stdout = '';
  stderr = '';
  #wake: (() => void)[] = [];

  constructor(args: readonly string[], socket: string | undefined, env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, [AISCTL, ...args], {
      env: { ...process.env, AISEXEC_SOCKET: socket, ...env },
    });
    const chunks: Buffer[] = [];
    this.child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      this.stdout += chunk;
      this.#tell();
    });
    this.child.stderr.on('data', (chunk) => {
      this.stderr += chunk;
      this.#tell();
    });
    // A child that ends without reading is what some tests are about.
    this.child.stdin.on('error', () => {});
    this.outcome = new Promise((resolve) => {
      this.child.once('close', (status) => {
        resolve({ status, stdout: Buffer.concat(chunks), stderr: this.stderr });
        this.#tell();
      });
    });
  }

  /** Resolves with the match as soon as either output has it; rejects when the process ended without. */
  async says(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const match = this.stdout.match(pattern) ?? this.stderr.match(pattern);
      if (match !== null) return match;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        await this.outcome;
        const last = this.stdout.match(pattern) ?? this.stderr.match(pattern);
        if (last !== null) return last;
        throw new Error(`ended without ${pattern}: ${this.stdout}\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  #tell(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Runs it to its end; `input` is its whole standard input. */
export function aisctl(
  args: readonly string[],
  socket: string | undefined,
  input: string | Uint8Array = '',
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  const running = new Running(args, socket, env);
  running.child.stdin.end(input);
  return running.outcome;
}

/** The one JSON document on standard output. */
export function document(outcome: Outcome): Record<string, unknown> {
  if (outcome.status !== 0 && outcome.status !== 2) {
    throw new Error(`exit ${outcome.status}: ${outcome.stderr}`);
  }
  const parsed = JSON.parse(String(outcome.stdout)) as Record<string, unknown>;
  if (parsed['schemaVersion'] !== 1) throw new Error(`no schemaVersion: ${outcome.stdout}`);
  return parsed;
}

/** Three real executives for the tests of a file, and what `aisctl` says at the first: a document, or text. */
export function useExecutives() {
  const cluster = useCluster({ nodes: 3 });
  const socket = (index = 0) => cluster.nodes[index]!.socket;
  const json = async (...args: string[]) =>
    document(await aisctl([...args, '--format', 'json'], socket()));
  const text = async (...args: string[]) => {
    const outcome = await aisctl(args, socket());
    expect(outcome.stderr).toBe('');
    expect(outcome.status).toBe(0);
    return String(outcome.stdout);
  };
  return { cluster, socket, json, text };
}

/** Processes of a group that still run; one that waits to be reaped does not. */
export function processesOfGroup(group: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [state, , pgrp] = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .split(') ')[1]!
          .split(' ');
        return Number(pgrp) === group && state !== 'Z' && state !== 'X';
      } catch {
        return false;
      }
    })
    .map(Number);
}
