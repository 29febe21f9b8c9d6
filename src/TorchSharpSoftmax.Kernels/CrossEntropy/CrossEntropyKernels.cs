namespace TorchSharpSoftmax.Kernels;

/// <summary>What the gradient of a row needs beside the row itself.</summary>
/// <param name="Top">The largest logit, or for StableMax its term.</param>
/// <param name="Ratio">All other terms over the largest one: (1 - p) / p of the largest probability p, exact however small.</param>
/// <param name="Weight">The sum over all classes of what they count in the row, without a class number's own part.</param>
public readonly record struct CrossEntropyRow(double Top, double Ratio, double Weight);

/// <summary>Cross-entropies of contiguous rows and their derivatives.</summary>
/// <remarks>
/// Types: float, double, <see cref="BFloat16"/> and <see cref="Half"/>; the 16-bit types compute in float, losses are double. Results do not depend on the
/// number of threads. No class number may lie outside 0..length-1 but the ignored one: <see cref="CrossEntropyTargets.Scan"/> tells.
/// </remarks>
public static unsafe partial class CrossEntropyKernels
{
    /// <summary>In bytes: of a streamed row the target's element is fetched back from memory, which must be little beside the row.</summary>
    private const nint LeastStreamedRow = 1 << 14;

    internal static void Forward<S>(CrossEntropyLink link, S* x, CrossEntropyTargets targets, double* losses, CrossEntropyRow* saved, nint rows, int threads)
        where S : unmanaged
    {
        if (rows == 0) return;
        if (targets.Length == 0)
        {
            for (nint row = 0; row < rows; row++) (losses[row], saved[row]) = (0, default); // a sum over no class
            return;
        }
        Isa.Run<S, CrossEntropyForward>(new(link, x, targets, losses, saved), rows, targets.Length, threads);
    }

    /// <summary>dy has one number for all rows (dyStep 0) or for each (1), and is divided by divisor; dx may be x's own memory.</summary>
    internal static void Backward<S>(
        CrossEntropyLink link, S* x, CrossEntropyTargets targets, CrossEntropyRow* saved, S* dy, nint dyStep, double divisor, S* dx, nint rows, int threads)
        where S : unmanaged
    {
        if (rows == 0 || targets.Length == 0) return;
        bool isLong = targets.Length * sizeof(S) >= LeastStreamedRow, stream = dx != x && isLong && Cache.Streams(dx, (double)rows * targets.Length);
        Isa.Run<S, CrossEntropyBackward>(new(link, x, targets, saved, dy, dyStep, divisor, dx, stream), rows, targets.Length, threads);
    }

    /// <summary>The sum of the losses, the same for any number of threads.</summary>
    internal static double Sum(double* losses, nint rows)
    {
        double a = 0, b = 0, c = 0, d = 0;
        nint i = 0;
        for (; i + 4 <= rows; i += 4)
        {
            a += losses[i];
            b += losses[i + 1];
            c += losses[i + 2];
            d += losses[i + 3];
        }
        for (; i < rows; i++) a += losses[i];
        return (a + b) + (c + d);
    }

    /// <summary>log(1 + r), as exact for the smallest r as for any: <see cref="double.LogP1"/> gives 0 below 1e-16.</summary>
    internal static double Log1P(double r)
    {
        double u = 1 + r;
        return u == 1 ? r : Math.Log(u) * (r / (u - 1));
    }
}
