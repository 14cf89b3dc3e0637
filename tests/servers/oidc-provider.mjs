// See oidc-provider.sh.
import { writeFileSync, renameSync } from "node:fs";
import { Provider } from "oidc-provider";

const { DIR, PORT, TOKEN_SECONDS = "3600" } = process.env;
const seconds = Number(TOKEN_SECONDS);

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  clients: [
    {
      client_id: "service",
      client_secret: "service-secret-value",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    },
    {
      client_id: "portal",
      client_secret: "portal-secret-value",
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: ["https://portal.example.com/callback"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  scopes: ["openid", "offline_access", "read"],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    devInteractions: { enabled: false },
  },
  ttl: { ClientCredentials: seconds, AccessToken: seconds, RefreshToken: 86_400, Grant: 86_400 },
  // Each refresh token works once.
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});

provider.listen(Number(PORT), "127.0.0.1", async () => {
  // What a person's sign-in would have left behind.
  const client = await provider.Client.find("portal");
  const grant = new provider.Grant({ accountId: "ann", clientId: "portal" });
  grant.addOIDCScope("openid offline_access");
  const token = new provider.RefreshToken({
    accountId: "ann",
    client,
    grantId: await grant.save(),
    gty: "authorization_code",
    scope: "openid offline_access",
    rotations: 0,
    expiresWithSession: false,
  });
  writeFileSync(`${DIR}/refresh-token.new`, await token.save());
  renameSync(`${DIR}/refresh-token.new`, `${DIR}/refresh-token`);
});
