import type { CoordinatorReport } from "../coordinator_admin.ts";
import type { LoadProgress } from "../pool/pooled.ts";
import { formatBytes, formatDuration } from "../units.ts";
import { barOf, percentOf } from "./share_bar.ts";
import type { LifeEvent } from "./watched_event.ts";

/** What is told of a load that is under way. */
export interface LoadText {
  /** One line. */
  readonly text: string;
  /** Whether it is one of many small steps, which only a terminal shows. */
  readonly isDetail: boolean;
}

/** What a change in a coordinator's life means for who waits for it; `undefined` for nothing. */
export function textOfEvent(event: LifeEvent): LoadText | undefined {
  const { model } = event;
  switch (event.type) {
    case "loading":
      return progressText(model, event);
    case "phase":
      return phaseText(model, event);
    case "recovering": {
      const text = `${model} is tried again in ${formatDuration(event.inMs)}, for the ${
        ordinal(event.attempt)
      } time: ${event.because}`;
      return { text, isDetail: false };
    }
    case "state":
      return event.state === "draining"
        ? { text: `${model} finishes what is in flight: ${event.because}`, isDetail: false }
        : undefined;
  }
}

/** The same for one of which only the state is known. */
export function textOfReport(report: CoordinatorReport): LoadText | undefined {
  const { model, progress, phase, state, because } = report;
  if (progress) return progressText(model, progress);
  if (phase) return phaseText(model, { phase, because });
  return textOfEvent({ type: "state", id: report.id, model, state, before: state, because });
}

function phaseText(
  model: string,
  { phase, because }: Pick<Extract<LifeEvent, { type: "phase" }>, "phase" | "because">,
): LoadText {
  const text = {
    preparing: `Reading the file of ${model}`,
    "waiting for room": `${model} waits for room: ${because}`,
    loading: `Loading ${model}`,
    "backing off": `${model} waits to be tried again: ${because}`,
  }[phase];
  return { text, isDetail: false };
}

function progressText(model: string, { stage, sentBytes, totalBytes }: LoadProgress): LoadText {
  if (stage === "connecting") return { text: `Connecting ${model} to its rpc backends`, isDetail: false };
  if (stage === "warming up") return { text: `Warming ${model} up`, isDetail: false };
  if (sentBytes === undefined) return { text: `Loading ${model}`, isDetail: false };
  const share = shareOf(sentBytes, totalBytes);
  return {
    text: share === undefined
      ? `Loading ${model}: ${formatBytes(sentBytes)} sent`
      : `Loading ${model} ${barOf(share)} ${percentOf(share)} (${formatBytes(sentBytes)} of ${
        formatBytes(totalBytes!)
      })`,
    isDetail: true,
  };
}

/** `68 %` of the bytes that a load sends, where both are known. */
export function loadPercent({ sentBytes, totalBytes }: LoadProgress): string | undefined {
  const share = sentBytes === undefined ? undefined : shareOf(sentBytes, totalBytes);
  return share === undefined ? undefined : percentOf(share);
}

function shareOf(sentBytes: number, totalBytes: number | undefined): number | undefined {
  if (totalBytes === undefined || totalBytes <= 0) return undefined;
  return Math.min(1, Math.max(0, sentBytes / totalBytes)); // what is planned may be less than what is sent
}

function ordinal(count: number): string {
  const suffix = /1\d$/.test(String(count)) ? "th" : ["th", "st", "nd", "rd"][count % 10] ?? "th";
  return `${count}${suffix}`;
}
