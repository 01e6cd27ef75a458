# The development shell: `nix-shell`, or `nix develop` by way of flake.nix.
{ pkgs ? import <nixpkgs> { } }:
pkgs.mkShell {
  packages = [
    # Any Node from 24 on; the newest there is.
    (pkgs.nodejs_26 or pkgs.nodejs_latest or pkgs.nodejs_24)
    pkgs.git
    # What tests look for: they skip themselves, by name, where one is missing.
    pkgs.tmux
    pkgs.redis
    pkgs.libfaketime
  ] ++ pkgs.lib.optional pkgs.stdenv.hostPlatform.isLinux pkgs.strace;

  shellHook = ''
    echo "hob: npm start shows the main job, npm test runs everything"
  '';
}
