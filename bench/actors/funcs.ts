// An actor that executes what is measured. Loaded by its replicas as well, so it does nothing but define.
import { ActorEnvironment, func } from "reprise";

const actor = new ActorEnvironment({ name: "bench", replicas: { min: 0, max: 1 }, ttl: "30s" });

let loads = 0;

/** Something that takes a quarter of a second to load, as a tokenizer does. */
const loadTable = actor.cache((name: string) => {
  loads += 1;
  const until = performance.now() + 250;
  while (performance.now() < until);
  return { name, loads };
});

const byText = actor.cache((key: string) => ({ key }));
const byNumbers = actor.cache((a: number, b: number) => ({ a, b }));
const byObject = actor.cache((key: { readonly model: string; readonly size: number }) => ({ key }));
const byNothing = actor.cache(() => ({ loaded: true }));

/** The keys whose hits are measured. */
const hits = {
  "no argument": () => byNothing(),
  "a text": () => byText("en-small"),
  "two numbers": () => byNumbers(3, 0.5),
  "a small object": () => byObject({ model: "en-small", size: 3 }),
} satisfies Record<string, () => unknown>;

/** A kind of key. */
export type KeyKind = keyof typeof hits;
export const keyKinds = Object.keys(hits) as KeyKind[];

/** Milliseconds that one of `count` hits takes. */
export function timeHits(kind: KeyKind, count: number): number {
  const hit = hits[kind];
  hit();
  const began = performance.now();
  for (let done = 0; done < count; done += 1) hit();
  return (performance.now() - began) / count;
}

const names = ["en-small", "en-large", "de-small", "de-large"];
const plain = new Map(names.map((key) => [key, { key }]));

/** The same for a bare Map, whose values are looked at so that the loop is not left out. */
export function timeMap(count: number): number {
  let letters = 0;
  const began = performance.now();
  for (let done = 0; done < count; done += 1) letters += plain.get(names[done & 3] as string)?.key.length ?? 0;
  const elapsed = performance.now() - began;
  if (letters === 0) throw new Error("nothing was found");
  return elapsed / count;
}

/** Times hits where users have them: in a body on a replica. */
export const timeOnReplica = actor.func("actors.time hits", (kind: KeyKind, count: number) => timeHits(kind, count));

/** Needs the table. On a replica it is loaded once. */
const useTable = actor.func("actors.use table", (at: number) => loadTable("words").loads + at);
/** Calls one after the other has ended. */
export const useOften = func("actors.use often", async (count: number) => {
  let last = 0;
  for (let made = 0; made < count; made += 1) last = await useTable(made).$value();
  return last;
});

/** The same without an actor, each time in a process that has just started. */
export const loadAndUse = func({
  id: "actors.load and use",
  standalone: true,
  run: (at: number) => loadTable("words").loads + at,
});
