/**
 * The production Worker, unchanged, inside a door that counts: `object-counts.ts` puts this beside the built bundle as its
 * main module. It counts what a Durable Object is asked (RPC, fetch, WebSocket messages, alarms) and what it writes.
 * Every class of the bundle is subclassed; storage is watched at its prototypes, because workerd accepts no stand-in.
 */
import { AsyncLocalStorage } from "node:async_hooks";
// The built bundle, which `addCountingDoor` puts beside this file under that name.
import app, * as production from "./production.js";

/** @type {Map<string, number>} */
const counts = new Map();
/** What happened in order, while somebody wants to know: `{ atMs, object, id, what, rows }`. */
const trace = { on: false, entries: [] };
/** Which object a storage belongs to. */
const owners = new WeakMap();
/** The object whose own code runs: what it calls on itself is no request. */
const inside = new AsyncLocalStorage();
let patched = false;
let lastId = 0;

function add(name, by = 1) {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

function note(owner, what, rows = 0) {
  if (trace.on)
    trace.entries.push({ atMs: Date.now(), object: owner.name, id: owner.id, isNew: owner.isNew, what, rows });
}

function wrote(storage, what, rows) {
  const owner = owners.get(storage);
  if (owner === undefined || rows === 0) return;
  add(`rows ${owner.name} ${what}`, rows);
  note(owner, `write ${what}`, rows);
}

/** Storage objects of one kind share a prototype: it is changed once for the isolate. */
function watch(prototype, methods) {
  for (const [name, rowsOf] of Object.entries(methods)) {
    const original = prototype[name];
    if (typeof original !== "function") continue;
    Object.defineProperty(prototype, name, {
      configurable: true,
      writable: true,
      value(...args) {
        const result = original.apply(this, args);
        wrote(this, name, rowsOf(result, args));
        return result;
      },
    });
  }
}

function patchStorage(storage) {
  if (patched) return;
  patched = true;
  watch(Object.getPrototypeOf(storage.sql), { exec: (cursor) => cursor.rowsWritten });
  watch(Object.getPrototypeOf(storage.kv), { put: () => 1, delete: (existed) => (existed ? 1 : 0) });
  // An alarm that is set counts as a row.
  watch(Object.getPrototypeOf(storage), { setAlarm: () => 1, put: () => 1, delete: () => 1 });
}

const MESSAGE_KIND = /"kind":"([a-z-]{1,40})"/;
const EVENT_KIND = /"event":\{"kind":"([a-z-]{1,40})"/;

/** Frames of a control channel by their kind, those of a call by their first event's. */
function requestName(method, args) {
  if (method !== "webSocketMessage") return method;
  const text = typeof args[1] === "string" ? args[1] : "";
  const kind = MESSAGE_KIND.exec(text)?.[1] ?? text.split(" ", 1)[0] ?? "binary";
  const event = kind === "call-events" ? EVENT_KIND.exec(text)?.[1] : undefined;
  return `message ${event ?? kind}`;
}

/** @param {string} name */
function counted(name, Base) {
  class Counted extends Base {
    constructor(ctx, env) {
      const owner = { name, id: (lastId += 1), isNew: true };
      patchStorage(ctx.storage);
      for (const storage of [ctx.storage, ctx.storage.sql, ctx.storage.kv]) owners.set(storage, owner);
      owners.set(ctx, owner);
      add(`woken ${name}`);
      super(ctx, env);
      owners.set(this, owner);
    }
  }
  for (const method of methodsOf(Base.prototype)) {
    const original = Base.prototype[method];
    Object.defineProperty(Counted.prototype, method, {
      configurable: true,
      writable: true,
      value(...args) {
        if (inside.getStore() === this) return original.apply(this, args);
        const what = requestName(method, args);
        add(`requests ${name} ${what}`);
        const owner = owners.get(this);
        note(owner, what);
        owner.isNew = false;
        return inside.run(this, () => original.apply(this, args));
      },
    });
  }
  return Counted;
}

function methodsOf(prototype) {
  const names = new Set();
  for (
    let at = prototype;
    at !== null && at.constructor?.name !== "DurableObject" && at !== Object.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name !== "constructor" && typeof Object.getOwnPropertyDescriptor(at, name)?.value === "function")
        names.add(name);
    }
  }
  return names;
}

export const AccountObject = counted("Account", production.AccountObject);
export const BridgeObject = counted("Bridge", production.BridgeObject);
export const CallIndexObject = counted("CallIndex", production.CallIndexObject);
export const CallObject = counted("Call", production.CallObject);
export const EndpointObject = counted("Endpoint", production.EndpointObject);
export const GatewayObject = counted("Gateway", production.GatewayObject);
export const RegionObject = counted("Region", production.RegionObject);
export const RoomObject = counted("Room", production.RoomObject);

// eslint-disable-next-line import/no-default-export -- workerd wants the door there
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === "/bench/counts") return Response.json(Object.fromEntries([...counts].sort()));
    if (pathname === "/bench/trace") {
      const entries = trace.entries.splice(0);
      trace.on = request.method === "POST";
      return Response.json(entries);
    }
    return await app.fetch(request, env, ctx);
  },
};
