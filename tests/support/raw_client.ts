/**
 * Clients that write bytes of their own to a listener, for tests.
 *
 * @module
 */
import { AUTHORIZATION } from "./credentials.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** How long a raw client waits for what it expects. */
const PATIENCE_MS = 20_000;

/** The right credentials, as a header line. */
export const AUTHORIZATION_LINE = `Authorization: ${AUTHORIZATION}`;

/** How an exchange of bytes ended. */
export interface RawAnswer {
  /** All that came, a character for each byte. */
  readonly text: string;
  /** Whether the other side ended the connection. */
  readonly closed: boolean;
}

/** One connection. */
export class RawClient implements Disposable {
  private constructor(readonly connection: Deno.TcpConn | Deno.TlsConn) {}

  /**
   * @param url Names the listener.
   * @param ca The authority of its certificate in PEM, if it speaks TLS.
   */
  static async connect(url: string, ca?: string): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const address = { hostname, port: Number(port) };
    return new RawClient(
      ca === undefined
        ? await Deno.connect(address)
        : await Deno.connectTls({ ...address, caCerts: [ca] }),
    );
  }

  /** Writes bytes; whether they were taken. */
  async send(bytes: string | Uint8Array): Promise<boolean> {
    let rest = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
    try {
      while (rest.length > 0) {
        rest = rest.subarray(await this.connection.write(rest));
      }
      return true;
    } catch {
      return false; // The other side has ended the connection.
    }
  }

  /**
   * Reads until the other side ends the connection, something has come that
   * is enough, or time is over.
   */
  async receive(
    isEnough: (text: string) => boolean = () => false,
    patience_ms = PATIENCE_MS,
  ): Promise<RawAnswer> {
    let text = "";
    const buffer = new Uint8Array(16 * 1024);
    const timeout = Promise.withResolvers<"late">();
    const timer = setTimeout(() => timeout.resolve("late"), patience_ms);
    try {
      while (!isEnough(text)) {
        const count = await Promise.race([
          this.connection.read(buffer),
          timeout.promise,
        ]);
        if (count === "late") return { text, closed: false };
        if (count === null) return { text, closed: true };
        text += decoder.decode(buffer.subarray(0, count));
      }
      return { text, closed: false };
    } catch {
      return { text, closed: true };
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    try {
      this.connection.close();
    } catch {
      // It is closed already.
    }
  }
}

/** Whether a whole head has come. */
export function hasHead(text: string): boolean {
  return text.includes("\r\n\r\n");
}

/** A request's head. */
export function head(requestLine: string, ...lines: string[]): string {
  return [`${requestLine} HTTP/1.1`, "Host: x", ...lines, "", ""].join("\r\n");
}
