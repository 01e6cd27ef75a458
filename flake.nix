{
  description = "hob: one household daemon for every coding agent on a machine";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ];
      forSystems = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});

      manifest = builtins.fromJSON (builtins.readFile ./package.json);
      lock = builtins.fromJSON (builtins.readFile ./package-lock.json);

      nodejsOf = pkgs: pkgs.nodejs_26 or pkgs.nodejs_latest or pkgs.nodejs_24;

      # The npm package `node` exists so that a machine with an old Node gets a new one; here Nix brings it.
      withoutNode = package: package // {
        devDependencies = removeAttrs (package.devDependencies or { }) [ "node" ];
      };
      isNode = path: builtins.match "node_modules/node(-bin-setup)?(/.*)?" path != null;

      # The lock file holds each tarball's hash and not its address: npm knows where its registry is.
      tarball = pkgs: path: package:
        let
          name = package.name or (nixpkgs.lib.last (nixpkgs.lib.splitString "node_modules/" path));
        in
        pkgs.runCommand "${baseNameOf name}-${package.version}.tgz"
          {
            nativeBuildInputs = [ (nodejsOf pkgs) pkgs.cacert ];
            outputHashMode = "flat";
            outputHashAlgo = null;
            outputHash = package.integrity;
            impureEnvVars = nixpkgs.lib.fetchers.proxyImpureEnvVars ++ [ "npm_config_registry" ];
          } ''
          export HOME="$TMPDIR"
          mkdir packed
          npm pack --silent --pack-destination packed ${nixpkgs.lib.escapeShellArg "${name}@${package.version}"}
          mv packed/*.tgz "$out"
        '';

      # Binaries of other machines are named in the lock file too; npm does not install them, so they are not fetched.
      # Some of them have no hash there: the registry that wrote the lock file did not have them. They are optional.
      fits = pkgs: package:
        let
          platform = pkgs.stdenv.hostPlatform;
          os = if platform.isDarwin then "darwin" else "linux";
          cpu = if platform.isAarch64 then "arm64" else "x64";
          libc = if platform.isMusl or false then "musl" else "glibc";
          allows = field: value: !(package ? ${field}) || builtins.elem value package.${field};
        in
        allows "os" os && allows "cpu" cpu && (platform.isDarwin || allows "libc" libc);

      npmDeps = pkgs:
        let
          fetched = path: package:
            if path == "" then withoutNode package
            else if fits pkgs package && package ? integrity then package // { resolved = "file:${tarball pkgs path package}"; }
            else package;
          packages = nixpkgs.lib.filterAttrs (path: _: !isNode path) lock.packages;
          files = {
            "package.json" = withoutNode manifest;
            "package-lock.json" = lock // { packages = builtins.mapAttrs fetched packages; };
          };
        in
        pkgs.runCommand "hob-npm-deps"
          {
            passAsFile = [ "manifest" "lock" ];
            manifest = builtins.toJSON files."package.json";
            lock = builtins.toJSON files."package-lock.json";
          } ''
          mkdir "$out"
          cp "$manifestPath" "$out/package.json"
          cp "$lockPath" "$out/package-lock.json"
        '';

      hob = pkgs: extra: pkgs.buildNpmPackage ({
        pname = manifest.name;
        inherit (manifest) version;
        src = self;
        nodejs = nodejsOf pkgs;
        npmDeps = npmDeps pkgs;
        npmConfigHook = pkgs.importNpmLock.npmConfigHook;
        nativeBuildInputs = [ pkgs.makeWrapper ];
        # bin/hob takes the Node of the PATH where the npm package `node` is not installed.
        postFixup = ''
          wrapProgram "$out/bin/hob" --prefix PATH : ${nodejsOf pkgs}/bin
        '';
        meta = {
          description = manifest.description;
          license = pkgs.lib.licenses.mit;
          mainProgram = "hob";
          platforms = systems;
        };
      } // extra);
    in
    {
      packages = forSystems (pkgs: { default = hob pkgs { }; });

      apps = forSystems (pkgs: {
        default = {
          type = "app";
          program = "${self.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin/hob";
        };
      });

      devShells = forSystems (pkgs: { default = import ./shell.nix { inherit pkgs; }; });

      checks = forSystems (pkgs: {
        package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
        tests = hob pkgs {
          pname = "hob-tests";
          doCheck = true;
          nativeCheckInputs = [ pkgs.git pkgs.tmux pkgs.redis pkgs.libfaketime ]
            ++ pkgs.lib.optional pkgs.stdenv.hostPlatform.isLinux pkgs.strace;
          checkPhase = ''
            runHook preCheck
            export HOME="$TMPDIR/home"
            mkdir -p "$HOME"
            node node_modules/vitest/vitest.mjs run
            runHook postCheck
          '';
        };
      });
    };
}
