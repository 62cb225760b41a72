import { setTimeout as delay } from "node:timers/promises";
import type { Response } from "express";
import { log } from "../lib/log.ts";
import { messageOf } from "../model/error.ts";
import { EventStream, type ServerEvent } from "./event-stream.ts";

const refreshMs = 1000;

/** Parts of an open page, rendered anew: element id to HTML. Null when the reader may not see the page any more. */
export type RenderFragments = () => Readonly<Record<string, string>> | null;

/** Answers with a live page's events: its parts as they change, and `events`, whose end ends the answer. */
export async function answerLive(
  response: Response,
  render: RenderFragments,
  events?: (signal: AbortSignal) => AsyncIterable<ServerEvent>,
): Promise<void> {
  const stream = new EventStream(response);
  try {
    const sources = [streamFragments(stream, render)];
    if (events !== undefined) sources.push(streamEvents(stream, events(stream.signal)));
    await Promise.all(sources);
  } catch (error) {
    if (!stream.signal.aborted) log("event stream failed", { error: messageOf(error) });
  } finally {
    stream.close();
  }
}

export function fragmentEvent(id: string, html: string): ServerEvent {
  return { event: "fragment", data: { id, html } };
}

async function streamFragments(stream: EventStream, render: RenderFragments): Promise<void> {
  const sent = new Map<string, string>();
  while (!stream.signal.aborted) {
    const fragments = render();
    if (fragments === null) return stream.close();
    for (const [id, html] of Object.entries(fragments)) {
      if (sent.get(id) === html) continue;
      sent.set(id, html);
      await stream.send(fragmentEvent(id, html));
    }
    await delay(refreshMs, undefined, { signal: stream.signal }).catch(() => {});
  }
}

async function streamEvents(stream: EventStream, events: AsyncIterable<ServerEvent>): Promise<void> {
  for await (const event of events) await stream.send(event);
  stream.close();
}
