namespace TorchSharpSoftmax.Tests;

internal static class TrainingSoak
{
    internal static bool Run(int seed, int steps) => steps >= 0 && seed >= 0;
}
