using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Keeps the gradients that a backward returned alive until the engine has copied their handles.</summary>
/// <remarks>
/// TorchSharp hands the engine raw handles and drops the managed tensors: a collection at that moment frees the gradient under the engine. By this thread's
/// next call the engine has its own reference, so they are disposed there.
/// </remarks>
internal static class ParkedGradients
{
    [ThreadStatic]
    private static List<Tensor>? t_parked;

    internal static void Hold(List<Tensor?> gradients)
    {
        var parked = t_parked ??= [];
        foreach (var gradient in gradients)
        {
            if (gradient is not null)
            {
                parked.Add(gradient);
            }
        }
    }

    internal static void Release()
    {
        if (t_parked is { Count: > 0 } parked)
        {
            foreach (var gradient in parked)
            {
                gradient.Dispose();
            }

            parked.Clear();
        }
    }
}
