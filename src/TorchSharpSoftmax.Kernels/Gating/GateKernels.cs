namespace TorchSharpSoftmax.Kernels;

/// <summary>Gates of mixtures of experts: softmax, the choice of the k best, their weights, and what is summed over tokens, in one walk with a token in each lane.</summary>
/// <remarks>
/// Logits and their gradient are float, double, <see cref="BFloat16"/> or <see cref="Half"/>; all else is double for double, else float. Of equal logits the lowest
/// expert is chosen. Neither the number of threads nor, as far as what is chosen, the width changes anything.
/// </remarks>
public static unsafe partial class GateKernels
{
    internal static void TopK<S>(in GateTask task, int threads) where S : unmanaged
    {
        using var sums = new GateSums(task.Shape);
        if (sums.Chunks > 0) Isa.Run<S, GateForward>(new(task, sums), sums.Chunks, sums.ElementsPerChunk / Less(task.Rule), threads);
        if (typeof(S) == typeof(double)) sums.Finish(task.Counts, (double*)task.Mean);
        else sums.Finish(task.Counts, (float*)task.Mean);
    }

    internal static void TopKBackward<S>(in GateBackwardTask task, int threads) where S : unmanaged
    {
        if (task.Shape.Tokens > 0) Isa.Run<S, GateBackward>(new(task), task.Shape.Tokens, task.Shape.Experts / Less(task.Rule), threads);
    }

    internal static void Combine<S>(in GateCombineTask task, int threads) where S : unmanaged =>
        Isa.Run<S, GateCombine>(new(task), task.Tokens, ElementsOf(task), threads);

    internal static void CombineBackward<S>(in GateCombineTask task, int threads) where S : unmanaged =>
        Isa.Run<S, GateCombineBackward>(new(task), task.Tokens, ElementsOf(task), threads);

    /// <summary>Without a sigmoid a logit is less work here than elsewhere: a second thread pays from twice as many on.</summary>
    private static nint Less(in GateRule rule) => rule.Mode == TopKGateMode.Sigmoid ? 1 : 2;

    /// <summary>Of one token's rows.</summary>
    private static nint ElementsOf(in GateCombineTask task) => task.Kept * task.Features;
}
