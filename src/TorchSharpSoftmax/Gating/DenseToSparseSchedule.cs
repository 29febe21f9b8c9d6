namespace TorchSharpSoftmax;

/// <summary>A gate's temperature as a function of its step: constant, or falling from a start to an end in a number of steps and staying there.</summary>
/// <remarks>After "EvoMoE: An Evolutional Mixture-of-Experts Training Framework via Dense-To-Sparse Gate" (Nie et al.).</remarks>
public sealed record DenseToSparseSchedule
{
    private readonly bool _isExponential;

    private DenseToSparseSchedule(double start, double end, long steps, bool isExponential)
    {
        RoutingArguments.Positive(start, nameof(start));
        RoutingArguments.Positive(end, nameof(end));
        RoutingArguments.AtLeastOne(steps, nameof(steps));
        (this.start, this.end, this.steps, _isExponential) = (start, end, steps, isExponential);
    }

    /// <summary>The temperature at step 0.</summary>
    public double start { get; }

    /// <summary>The temperature from <see cref="steps"/> on.</summary>
    public double end { get; }

    /// <summary>How many steps lie between them.</summary>
    public long steps { get; }

    /// <summary>The same temperature always.</summary>
    /// <param name="temperature">Above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The temperature is not above 0, or not finite.</exception>
    public static DenseToSparseSchedule Constant(double temperature)
    {
        RoutingArguments.Positive(temperature, nameof(temperature));
        return new(temperature, temperature, 1, isExponential: false);
    }

    /// <summary><c>start + (end - start) * min(step / steps, 1)</c>.</summary>
    /// <param name="start">Above 0.</param>
    /// <param name="end">Above 0.</param>
    /// <param name="steps">1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
    public static DenseToSparseSchedule Linear(double start, double end, long steps) => new(start, end, steps, isExponential: false);

    /// <summary><c>start * (end / start)^min(step / steps, 1)</c>.</summary>
    /// <param name="start">Above 0.</param>
    /// <param name="end">Above 0.</param>
    /// <param name="steps">1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
    public static DenseToSparseSchedule Exponential(double start, double end, long steps) => new(start, end, steps, isExponential: true);

    /// <summary>The temperature at a step.</summary>
    /// <param name="step">Steps before 0 count as 0.</param>
    public double At(long step)
    {
        if (step >= steps)
        {
            return end;
        }

        double share = (double)Math.Max(step, 0) / steps;
        return _isExponential ? start * Math.Pow(end / start, share) : start + ((end - start) * share);
    }
}
