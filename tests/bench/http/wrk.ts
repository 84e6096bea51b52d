/**
 * Load by wrk.
 *
 * @module
 */
import { AUTHORIZATION } from "../../support/credentials.ts";
import { TemporaryFolder } from "../../support/temporary_folder.ts";
import type { Figures } from "./figures.ts";
import { type Load, type LoadGenerator, WrongAnswersError } from "./load.ts";
import { output } from "./command.ts";
import { type RequestKind, requests } from "./requests.ts";

/** What the script prints at the end. */
interface Summary extends Figures {
  readonly wrong: number;
  readonly broken: number;
  readonly late: number;
}

/** One thread of wrk, which sends the requests in turn. */
export class Wrk implements LoadGenerator {
  readonly #folder = new TemporaryFolder();
  readonly #written = new Set<string>();

  private constructor(
    readonly name: string,
    private readonly wrapper: readonly string[],
  ) {}

  /** @returns It, or undefined if it is not here. */
  static async find(wrapper: readonly string[]): Promise<Wrk | undefined> {
    const said = await output(["sh", "-c", "wrk -v; true"]);
    const version = /^wrk (\S+)/.exec(said ?? "")?.[1];
    return version === undefined
      ? undefined
      : new Wrk(`wrk ${version}, one thread`, wrapper);
  }

  /** The path of the load's script, which is written when it is first used. */
  #scriptFile({ kind, population }: Load): string {
    const file = `${this.#folder.path}/${kind} ${population}.lua`;
    if (!this.#written.has(file)) {
      Deno.writeTextFileSync(file, script(kind, population));
      this.#written.add(file);
    }
    return file;
  }

  async generate(load: Load, signal: AbortSignal): Promise<Figures> {
    const { url, connections, seconds } = load;
    const said = await output([
      ...this.wrapper,
      "wrk",
      "--threads=1",
      `--connections=${connections}`,
      `--duration=${seconds}s`,
      "--latency",
      `--script=${this.#scriptFile(load)}`,
      url,
    ], signal);
    const { wrong, broken, late, ...figures }: Summary = JSON.parse(
      said!.slice(said!.lastIndexOf("{")),
    );
    if (figures.answers === 0 || wrong + broken + late > 0) {
      throw new WrongAnswersError(
        `${figures.answers} answers: ${wrong} not 2xx, ${late} late, and ${broken} connections broke`,
      );
    }
    return figures;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** All requests are made before the time runs, so that wrk is no bottleneck. */
function script(kind: RequestKind, population?: number): string {
  const calls = requests(kind, population).map(({ method, path, body }) =>
    `add("${method}", [[${path}]], ${
      body === undefined ? "nil" : `[=[${body}]=]`
    })`
  );
  return `local requests, last = {}, 0

local function add(method, path, body)
  requests[#requests + 1] = wrk.format(method, path, nil, body)
end

function init()
  wrk.headers["Authorization"] = ${
    kind.startsWith("set") ? `"${AUTHORIZATION}"` : "nil"
  }
  ${calls.join("\n  ")}
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"answers":%d,"wrong":%d,"broken":%d,"late":%d,"per_s":%.1f,"p50_ms":%.3f,"p99_ms":%.3f}',
    summary.requests, errors.status,
    errors.connect + errors.read + errors.write, errors.timeout,
    summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
`;
}
