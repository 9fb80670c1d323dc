/** `aisctl ckpt get|put|rm`: one section as bytes. */
import { isSaAisError, SA_AIS_ERR_EXIST, SA_AIS_ERR_NOT_EXIST } from '@aisexec/ais';
import { type CheckpointAttributes, CheckpointService, type Section } from '@aisexec/ckpt';
import { assertAnswers } from '../connection.ts';
import { EXIT } from '../exit-codes.ts';
import { CALL_MS_MAX } from '../limits.ts';
import { write } from '../output.ts';
import { Failure } from '../problems.ts';
import { inputBytes } from './input.ts';

const BOUND = { timeoutMs: CALL_MS_MAX };

/** Which section; without `section` the default one. */
export interface SectionArguments {
  readonly socket: string;
  readonly checkpoint: string;
  readonly section: string | undefined;
}

export interface GetArguments extends SectionArguments {
  readonly offset: number;
  readonly length: number | undefined;
}

export interface PutArguments extends SectionArguments {
  /** Else standard input. */
  readonly data: string | undefined;
  readonly create: CheckpointAttributes | undefined;
  readonly expiresMs: number | undefined;
}

/** The content to standard output, and nothing else. */
export async function get(args: GetArguments): Promise<number> {
  const { offset, length } = args;
  await using service = await connect(args.socket);
  await using checkpoint = await service.open(args.checkpoint, { write: false, ...BOUND });
  const section = checkpoint.section(args.section);
  const options = { offset, ...(length === undefined ? {} : { length }), ...BOUND };
  await write(await existing(args, section.read(options)));
  return EXIT.ok;
}

/** Replaces the content; makes the section when there is none. */
export async function put(args: PutArguments): Promise<number> {
  const { create } = args;
  await using service = await connect(args.socket);
  await using checkpoint = await service.open(args.checkpoint, {
    ...(create === undefined ? {} : { create }),
    ...BOUND,
  });
  const data = await inputBytes(args.data, (await checkpoint.status(BOUND)).maxSectionBytes);
  const section = checkpoint.section(args.section);
  const expiresAt =
    args.expiresMs === undefined ? undefined : new Date(Date.now() + args.expiresMs);
  const isNew = await replaceOrCreate(section, data, expiresAt);
  if (!isNew && expiresAt !== undefined) await section.expire(expiresAt, BOUND);
  return EXIT.ok;
}

/** Deletes a section. */
export async function remove(args: SectionArguments): Promise<number> {
  await using service = await connect(args.socket);
  await using checkpoint = await service.open(args.checkpoint, BOUND);
  await existing(args, checkpoint.section(args.section).delete(BOUND));
  return EXIT.ok;
}

/** Takes the checkpoint's name away: it goes when nobody has it open any more. */
export async function unlink(socket: string, checkpoint: string): Promise<number> {
  await using service = await connect(socket);
  await service.unlink(checkpoint, BOUND);
  return EXIT.ok;
}

async function connect(socket: string): Promise<CheckpointService> {
  await assertAnswers(socket, 'ckpt');
  return CheckpointService.connect({ socket, ...BOUND });
}

/** Others may delete or create the section at the same time: then the other way is tried, once each. */
async function replaceOrCreate(
  section: Section,
  data: Uint8Array,
  expiresAt: Date | undefined,
): Promise<boolean> {
  if (await succeeds(section.overwrite(data, BOUND), SA_AIS_ERR_NOT_EXIST)) return false;
  const options = { ...(expiresAt === undefined ? {} : { expiresAt }), ...BOUND };
  if (await succeeds(section.create(data, options), SA_AIS_ERR_EXIST)) return true;
  await section.overwrite(data, BOUND);
  return false;
}

async function succeeds(
  change: Promise<void>,
  unless: typeof SA_AIS_ERR_NOT_EXIST | typeof SA_AIS_ERR_EXIST,
): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (error) {
    if (isSaAisError(error, unless)) return false;
    throw error;
  }
}

async function existing<T>(
  { checkpoint, section }: SectionArguments,
  result: Promise<T>,
): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (!isSaAisError(error, SA_AIS_ERR_NOT_EXIST)) throw error;
    const which = section === undefined ? 'default section' : `section '${section}'`;
    throw new Failure(
      `checkpoint '${checkpoint}' has no ${which}`,
      EXIT.failed,
      `aisctl ckpt ls ${checkpoint}`,
    );
  }
}
