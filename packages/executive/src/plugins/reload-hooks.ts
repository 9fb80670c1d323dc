/**
 * What a reloaded module imports by a relative path is reloaded with it (ADR 0200). Node.js never forgets a module,
 * so fresh code needs a new address; the generation in the address of the importing file goes on to what it
 * imports. Packages keep their one instance, and so do files of CommonJS, which Node.js keeps by their name.
 */
export const GENERATION = 'aisexec-reload';

interface Resolved {
  readonly url: string;
}

interface Importing {
  readonly parentURL?: string | undefined;
}

/** The hook of `node:module`'s `register`. */
export async function resolve<Result extends Resolved, Context extends Importing>(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Result | Promise<Result>,
): Promise<Result> {
  return inGeneration(specifier, context, await next(specifier, context));
}

/** Its twin of `registerHooks`. */
export function resolveSync<Result extends Resolved, Context extends Importing>(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Result,
): Result {
  return inGeneration(specifier, context, next(specifier, context));
}

function inGeneration<Result extends Resolved>(
  specifier: string,
  { parentURL }: Importing,
  resolved: Result,
): Result {
  if (!/^\.{1,2}\//.test(specifier) || parentURL?.startsWith('file:') !== true) return resolved;
  const generation = new URL(parentURL).searchParams.get(GENERATION);
  if (generation === null || !resolved.url.startsWith('file:')) return resolved;
  const url = new URL(resolved.url);
  url.searchParams.set(GENERATION, generation);
  return { ...resolved, url: url.href };
}
