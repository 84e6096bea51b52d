/**
 * A NATS operator with one account and one user, for tests of credentials.
 *
 * @module
 */
import {
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
} from "@nats-io/jwt";
import { nkeys } from "nats";

/** What a server and a client of an operator need. */
export interface NatsOperator {
  /** The path of the user's credentials file. */
  readonly creds: string;
  /** Lines for the server's configuration. */
  readonly configuration: string;
  /** Writes the credentials anew, to last some seconds or for ever. */
  renew(lasts_s?: number): Promise<void>;
}

/** @param folder Where the credentials file is written. */
export async function makeOperator(folder: string): Promise<NatsOperator> {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const system = nkeys.createAccount();
  const user = nkeys.createUser();
  // The type is that of another copy of the same library.
  // deno-lint-ignore no-explicit-any
  const as = (key: unknown) => key as any;
  // -1 is no limit; what is left out would be 0.
  const limits = {
    subs: -1,
    data: -1,
    payload: -1,
    conn: -1,
    imports: -1,
    exports: -1,
    wildcards: true,
    mem_storage: -1,
    disk_storage: -1,
    streams: -1,
    consumer: -1,
  };
  const accountJwt = await encodeAccount("tests", as(account), {
    limits,
  }, { signer: as(operator) });
  const systemJwt = await encodeAccount("system", as(system), {}, {
    signer: as(operator),
  });
  const operatorJwt = await encodeOperator("tests", as(operator), {
    system_account: system.getPublicKey(),
  });
  const creds = `${folder}/replica.creds`;
  const renew = async (lasts_s?: number) => {
    const userJwt = await encodeUser("replica", as(user), as(account), {}, {
      ...(lasts_s !== undefined &&
        { exp: Math.floor(Date.now() / 1000) + lasts_s }),
    });
    Deno.writeFileSync(creds, fmtCreds(userJwt, as(user)));
  };
  await renew();
  return {
    creds,
    renew,
    configuration: `
      operator: ${operatorJwt}
      system_account: ${system.getPublicKey()}
      resolver: MEMORY
      resolver_preload: {
        ${account.getPublicKey()}: ${accountJwt}
        ${system.getPublicKey()}: ${systemJwt}
      }`,
  };
}
