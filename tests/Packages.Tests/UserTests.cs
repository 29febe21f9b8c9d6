using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace TorchSharpSoftmax.Packages.Tests;

/// <summary>The packages as their user has them: a project and a script of his own, which restore them and train.</summary>
public sealed class UserTests(Packed packed)
{
    [Fact]
    public void A_new_console_project_restores_the_package_and_trains()
    {
        string folder = packed.NewFolder("console");
        // TorchSharp-cpu brings libtorch; the stand-in has the system's.
        string libtorch = Repository.HasTorchSharpsPackage ? $"""<PackageReference Include="TorchSharp-cpu" Version="{Repository.NewestTorchSharp}" />""" : "";
        File.WriteAllText(Path.Combine(folder, "console.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <UseAppHost>false</UseAppHost>
                <InvariantGlobalization>true</InvariantGlobalization>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="TorchSharpSoftmax" Version="{Repository.Version}" />
                {libtorch}
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(folder, "Program.cs"), """
            using TorchSharp;
            using TorchSharpSoftmax;
            using static TorchSharp.torch;

            manual_seed(1);
            var model = nn.Linear(16, 4);
            var optimizer = optim.PerpGrad(optim.AdamW(model.parameters(), lr: 0.05));
            var loss = nn.StableMaxCrossEntropyLoss();
            var (input, target) = (randn(32, 16), randint(4, [32], dtype: int64));
            float Step()
            {
                using var scope = NewDisposeScope();
                optimizer.zero_grad();
                var error = loss.call(model.call(input), target);
                error.backward();
                optimizer.step();
                return error.item<float>();
            }
            Console.WriteLine($"{Step()} {Step()} {typeof(torch).Assembly.GetName().Version}");
            """);

        string[] said = packed.Dotnet(folder, "run").MustSucceed().Split(' ', '\n');
        (float first, float second) = (float.Parse(said[0], CultureInfo.InvariantCulture), float.Parse(said[1], CultureInfo.InvariantCulture));
        Assert.True(second < first, $"The loss went from {first} to {second}.");
        Assert.Equal((Repository.HasTorchSharpsPackage ? Repository.NewestTorchSharp : Repository.OldestTorchSharp) + ".0", said[2]);

        // These bits, and none of the same version that lay elsewhere.
        foreach (string id in new[] { "TorchSharpSoftmax", "TorchSharpSoftmax.Kernels" })
        {
            byte[] restored = File.ReadAllBytes(Path.Combine(folder, "bin", "Debug", "net10.0", id + ".dll"));
            Assert.True(restored.AsSpan().SequenceEqual(packed.Package(id).Files[$"lib/net10.0/{id}.dll"]), id);
        }
    }

    [Fact]
    public void The_script_restores_the_package_and_groks()
    {
        string[] script = File.ReadAllLines(Path.Combine(Repository.Root, "examples", "Scripts", "grok.cs"));
        string libtorch = $"#:package TorchSharp-cpu@{Repository.NewestTorchSharp}";
        Assert.Contains($"#:package TorchSharpSoftmax@{Repository.Version}", script);
        Assert.Contains(libtorch, script);

        string folder = packed.NewFolder("script");
        File.WriteAllLines(Path.Combine(folder, "grok.cs"), script.Where(line => line != libtorch || Repository.HasTorchSharpsPackage));
        string[] said = packed.Dotnet(folder, "run", "grok.cs").MustSucceed().Trim().Split('\n');
        double[] right = [.. said.Select(line => double.Parse(Regex.Match(line, @"pairs (\d+)").Groups[1].Value, CultureInfo.InvariantCulture))];
        Assert.True(right[0] < 10, said[0]);
        Assert.True(right[^1] >= 99, string.Join('\n', said));
    }
}
